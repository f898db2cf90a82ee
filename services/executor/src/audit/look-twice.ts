import type { Clock } from '@fairway/bus';
import type { Examination, Finding } from '@fairway/mesh';

/**
 * What is found has to be there still after this time: Docker goes by gossip, which takes some hundred milliseconds, and
 * keeps a task that is to stop for 2 s with weight 0 (moby daemon/cluster/executor/container/controller.go).
 */
const lastingMs = 3_000;
/** More than that nobody reads, and an answer is one message. */
const toldMax = 500;

/** What is found at two looks, so that what passes while a service changes is not told. */
export async function lookTwice(look: () => Promise<Examination>, clock: Pick<Clock, 'after'>): Promise<Examination> {
  const first = await look();
  if (first.findings.length === 0) return first;
  await new Promise<void>((resolve) => clock.after(lastingMs, resolve));
  const second = await look();
  const lasting = new Set(first.findings.map(identity));
  return told({ ...second, findings: second.findings.filter((finding) => lasting.has(identity(finding))) });
}

/** The same thing found again; how many share the requests, say, may be another number by then. */
function identity({ kind, where, what }: Finding): string {
  return `${kind} ${where} ${what}`;
}

/** By place, and as many as can be told. */
function told({ looked, findings, unable }: Examination): Examination {
  const left = findings.length - toldMax;
  const more = left > 0 ? [{ where: 'all', why: `${left} more findings are left out` }] : [];
  return { looked, findings: [...findings].sort(byPlace).slice(0, toldMax), unable: [...unable, ...more] };
}

function byPlace(a: Finding, b: Finding): number {
  const [one, other] = [`${a.where} ${a.what}`, `${b.where} ${b.what}`];
  return one < other ? -1 : Number(one > other);
}
