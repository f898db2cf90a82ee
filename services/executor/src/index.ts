export { startAnswers } from './answers.ts';
export { type BalancerChoice, type Balancing, balancerChoices, chooseBalancer } from './choose-balancer.ts';
export { type Executor, startExecutor } from './executor.ts';
export { Handover } from './handover.ts';
export { ipvsSupport } from './kernel/ipvs-support.ts';
export { type IpvsTimeouts, parseIpvsTimeouts } from './kernel/ipvs-timeouts.ts';
export type { Kernel, Requirement } from './kernel/kernel.ts';
export { createLinuxKernel } from './kernel/linux.ts';
export { MeshFile } from './mesh-file.ts';
