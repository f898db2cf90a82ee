import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the root namespace's settings are, and where they are written down. Only tests use others. */
export interface ForwardingFiles {
  sysctlDir: string;
  runDir: string;
}

const system: ForwardingFiles = { sysctlDir: '/proc/sys/net/ipv4', runDir: '/run' };

/** In the order of restoring: setting ip_forward makes the kernel set accept_redirects to its opposite (inet_forward_change). */
const settings = ['ip_forward', 'conf/all/accept_redirects'];

/** The settings before the first cluster. /run does not outlive a boot, nor do they. */
function recordFile(files: ForwardingFiles): string {
  return join(files.runDir, 'fairway.forwarding');
}

/**
 * New network namespaces take ip_forward over from the root namespace, Docker's sandboxes too, and with 0 those do not
 * forward (seen with Docker 20.10 on kernel 6.18). So it is 1 while a cluster runs.
 */
export function enableForwarding(files: ForwardingFiles = system): void {
  const read = (setting: string) => readFileSync(join(files.sysctlDir, setting), 'utf8').trim();
  if (read('ip_forward') === '1') return;
  if (!existsSync(recordFile(files))) {
    writeFileSync(recordFile(files), settings.map((setting) => `${setting}=${read(setting)}\n`).join(''));
  }
  writeFileSync(join(files.sysctlDir, 'ip_forward'), '1');
}

/** Puts back what was there, unless another cluster still needs it. */
export function restoreForwarding(files: ForwardingFiles = system): void {
  if (!existsSync(recordFile(files))) return;
  if (readdirSync(files.runDir).some((name) => existsSync(join(files.runDir, name, 'cluster.json')))) return;
  for (const line of readFileSync(recordFile(files), 'utf8').trim().split('\n')) {
    const [setting = '', value = ''] = line.split('=');
    if (settings.includes(setting)) writeFileSync(join(files.sysctlDir, setting), value);
  }
  rmSync(recordFile(files));
}
