import { availableParallelism, freemem } from 'node:os';
import { compileCacheDir, ensureToolchain, projectDir, quote } from '@fairway/cluster';
import { Interrupted, interruption } from '../dev/interruption.ts';
import { Progress } from '../dev/progress.ts';
import { ArgumentsInvalid, type LabArguments, parseArguments, usage } from './arguments.ts';
import { bundlePrograms } from './bundle.ts';
import { compilePrograms } from './compile.ts';
import { LimitPassed, runGuest } from './guest.ts';
import { ensureInitramfs } from './initramfs.ts';
import { ensureKernel, type Kernel } from './kernel.ts';
import { chooseMemoryMb } from './machine.ts';
import { terminalSize } from './terminal.ts';

/** Processes start about 25 times slower in the guest, and waits are for more than that. */
const patience = '10';

/** What a node of a swarm has loaded, IPVS and its schedulers; the rest the kernel asks for itself. */
const guestModules = [
  ...['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_lc', 'ip_vs_wlc', 'ip_vs_sh', 'ip_vs_mh', 'ip_vs_sed', 'ip_vs_nq'],
  ...['xt_ipvs', 'veth', 'bridge', 'br_netfilter', 'vxlan', 'nf_conntrack_netlink', 'dummy'],
];

const processorsMost = 4;

const progress = new Progress();

/** The guest's settings as a shell reads them: this process's own where they mean the same there. */
function settings(kernel: Kernel): string {
  const { rows, columns } = terminalSize();
  const own = Object.entries(process.env).filter(
    ([name]) => /^FAIRWAY_/.test(name) || ['HOME', 'PATH', 'TERM'].includes(name),
  );
  const variables = {
    FAIRWAY_PATIENCE: patience,
    // Three would take each other for lost: an election waits some seconds, whatever the machine.
    FAIRWAY_BUS: 'single',
    HOME: '/root',
    LANG: 'C.UTF-8',
    NODE_COMPILE_CACHE: compileCacheDir,
    ...Object.fromEntries(own),
    FAIRWAY_LAB_PROJECT: projectDir,
    FAIRWAY_LAB_MODULES: kernel.modulesDir,
    FAIRWAY_LAB_LOAD: guestModules.join(' '),
    FAIRWAY_LAB_ROWS: String(rows),
    FAIRWAY_LAB_COLUMNS: String(columns),
  };
  return Object.entries(variables)
    .map(([name, text]) => `export ${name}=${quote(text ?? '')}\n`)
    .join('');
}

async function runLab({ job, limitMs }: LabArguments, signal: AbortSignal): Promise<number> {
  const { busybox } = await ensureToolchain(progress.step);
  const kernel = await ensureKernel(progress.step);
  const initramfs = await ensureInitramfs(kernel, busybox, progress.step);
  await bundlePrograms();
  await compilePrograms();
  signal.throwIfAborted();
  const processors = Math.min(availableParallelism(), processorsMost);
  const memoryMb = chooseMemoryMb(Math.floor(freemem() / 2 ** 20));
  const command = job.kind === 'suite' ? 'node infra/lab/suite.ts' : job.kind === 'command' ? job.command : undefined;
  progress.step(`booting Linux ${kernel.version}, emulated, with ${processors} processors and ${memoryMb} MB`);
  return runGuest(
    {
      kernelImage: kernel.image,
      initramfs,
      processors,
      memoryMb,
      parcels: { settings: settings(kernel), ...(command === undefined ? {} : { command }) },
    },
    { limitMs, shell: job.kind === 'shell', signal, onUp: () => progress.step('the machine is up') },
  );
}

async function main(): Promise<number> {
  const asked = parseArguments(process.argv.slice(2));
  if (asked.help) {
    process.stdout.write(usage);
    return 0;
  }
  return runLab(asked, interruption());
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  const isStatus = error instanceof Interrupted || error instanceof LimitPassed;
  process.exitCode = isStatus ? error.status : error instanceof ArgumentsInvalid ? 2 : 1;
}
