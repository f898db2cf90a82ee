import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Requirement } from '@fairway/cluster';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

/** What moves one process's wall clock and no other's: libfaketime (faketime(1)), which Debian has beside this program. */
export const clockRequirement: Requirement = {
  program: 'faketime',
  package: 'faketime',
  purpose: "moving one process's clock",
};

export const clockMoved: Scenario = {
  name: 'clock-moved',
  says: 'the wall clock of a node, a decider or a sentinel jumps by an hour, and back',
  of: 'fairway',
  async happen(stage) {
    const process = processOf(stage);
    const jump = stage.chance.pick(['+1h', '-1h']) ?? '+1h';
    const folder = await mkdtemp(join(tmpdir(), 'chaos-clock-'));
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0\n');
    stage.strike(`${process.name} is started again with a clock that can be moved`);
    await process.kill();
    try {
      // glibc puts the folder of the machine's own libraries in for $LIB (ld.so(8)).
      await process.start({
        LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1',
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      });
      // A library that is not there is left out without a failure.
      await stage.until(`libfaketime in ${process.name}`, async () => {
        const maps = await readFile(`/proc/${process.pid}/maps`, 'utf8');
        return maps.includes('libfaketime') || 'it is not loaded';
      });
      await stage.pause(5_000);
      stage.strike(`the clock of ${process.name} jumps by ${jump}`);
      await writeFile(clock, `${jump}\n`);
      await stage.pause(4_000 + stage.chance.upTo(8_000));
      stage.strike(`the clock of ${process.name} is right again`);
      await writeFile(clock, '+0\n');
      await stage.pause(4_000);
    } finally {
      await process.kill();
      await process.start({ LD_PRELOAD: '' });
      await rm(folder, { recursive: true });
    }
  },
};

function processOf(stage: Stage): ReturnType<Stage['replica']> {
  const node = stage.chance.pick(stage.nodes) ?? stage.worker();
  const processes = [stage.cluster.process(node.name), stage.replica('decider'), stage.replica('sentinel')];
  return stage.chance.pick(processes) ?? stage.cluster.process(node.name);
}
