import { cpus, release } from 'node:os';
import { attempt } from './command.ts';

/** When, on what, and with which versions something was measured: one line. */
export async function measuredOn(): Promise<string> {
  const say = async (argv: readonly string[], form: RegExp) => form.exec((await attempt(argv)).stdout)?.[1] ?? 'none';
  const commit = await say(['git', 'rev-parse', '--short', 'HEAD'], /(\S+)/);
  const docker = await say(['dockerd', '--version'], /version ([^,+]+)/);
  const nats = await say(['nats-server', '--version'], /: v(\S+)/);
  const nft = await say(['nft', '--version'], /v(\S+)/);
  const date = new Date().toISOString().slice(0, 10);
  const processors = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`;
  return `${date}, commit ${commit}; ${processors}, Linux ${release()}; Node ${process.versions.node}, Docker ${docker}, NATS ${nats}, nft ${nft}.`;
}
