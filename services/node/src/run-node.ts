import {
  busAddress,
  busSettings,
  logSetting,
  metricsSetting,
  openMetrics,
  runService,
  serveMetrics,
} from '@fairway/service';
import { startNode } from './node.ts';
import {
  balancerSetting,
  beatSetting,
  dockerSetting,
  ipvsTimeoutsSetting,
  netnsSetting,
  observeFlag,
  repairFlag,
  stateSetting,
  strictFlag,
  swarmkitSetting,
} from './settings.ts';

/** The node process. */
export async function runNode(): Promise<void> {
  await runService(
    'node',
    "watches this node's Docker and keeps the node's rules; runs as root on every node",
    [
      ...busSettings,
      dockerSetting,
      swarmkitSetting,
      balancerSetting,
      ipvsTimeoutsSetting,
      netnsSetting,
      stateSetting,
      beatSetting,
      metricsSetting,
      logSetting,
    ],
    async ({ log, tracer, setting, flag }) => {
      const registry = openMetrics();
      const stop = await startNode({
        log,
        registry,
        tracer,
        bus: busAddress({ setting }),
        dockerHost: setting(dockerSetting.name),
        swarmkit: setting(swarmkitSetting.name),
        balancer: setting(balancerSetting.name),
        ipvsTimeouts: setting(ipvsTimeoutsSetting.name),
        strict: flag(strictFlag.name),
        observes: flag(observeFlag.name),
        repairsOverlays: flag(repairFlag.name),
        netnsDir: setting(netnsSetting.name),
        stateDir: setting(stateSetting.name),
        beatMs: setting(beatSetting.name),
      });
      const endMetrics = serveMetrics(registry, setting(metricsSetting.name), log);
      return () => {
        endMetrics();
        return stop();
      };
    },
    [strictFlag, repairFlag, observeFlag],
  );
}
