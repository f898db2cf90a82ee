import { percentile } from '../percentile.ts';
import { type Figures, figureNames } from './figures.ts';
import type { Way } from './watcher.ts';

/** Both ways side by side: of each figure the median of the rounds, its least and most, and the ratio of the medians. */
export function comparisonTable(rounds: Readonly<Record<Way, readonly Figures[]>>): string {
  const rows = (Object.keys(figureNames) as (keyof Figures)[]).map((figure) => {
    const ordered = rounds.ordered.map((held) => held[figure]);
    const republished = rounds.republished.map((held) => held[figure]);
    const ratio = percentile(republished, 50) / percentile(ordered, 50);
    return `| ${figureNames[figure]} | ${cell(ordered)} | ${cell(republished)} | ${shown(ratio, 2)} |`;
  });
  return `| | ordered consumers | republish | ratio |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function cell(values: readonly number[]): string {
  const [median, least, most] = [percentile(values, 50), Math.min(...values), Math.max(...values)];
  if (values.length === 0 || least === most) return shown(median);
  return `${shown(median)} (${shown(least)} to ${shown(most)})`;
}

function shown(value: number, digits = value < 100 && !Number.isInteger(value) ? 1 : 0): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}
