/**
 * Real Docker swarms of several nodes on one machine, in network namespaces: for development, and for tests.
 */

export { AptAbsent, MirrorUnknown, unpackFromSuite } from './apt.ts';
export { CgroupUnavailable, killCgroup } from './cgroup.ts';
export {
  Cluster,
  type ClusterClient,
  type ClusterNode,
  type ClusterProcess,
  type Command,
  PartUnknown,
} from './cluster.ts';
export { attempt, CommandFailed, type CommandOptions, type CommandResult, run } from './command.ts';
export { fairwayConverged } from './converged.ts';
export { Engine, EngineRejected, EngineUnreachable } from './engine.ts';
export { tracesUrl } from './fairway.ts';
export { imageName } from './image.ts';
export { measuredOn } from './measured-on.ts';
export { type BusForm, serversMost } from './nats.ts';
export { ClusterNameInvalid } from './place.ts';
export { EndedByForce, StartFailed } from './process.ts';
export { bundleFile, compileCacheDir, credentialsBundle, programArgv, programs, sourceFile } from './program.ts';
export { projectDir, toolsDir } from './project.ts';
export { quote } from './shortcuts.ts';
export { attachCluster, keepLogs, type StartOptions, startCluster } from './start.ts';
export { ClusterAbsent, ClusterRunning } from './state.ts';
export { NodeCountInvalid } from './switch.ts';
export { recoverClusters } from './teardown.ts';
export { ensurePrograms, ensureToolchain, NotRoot, type Requirement } from './toolchain.ts';
export { patience, until, WaitedInVain, type WaitOptions } from './wait.ts';
