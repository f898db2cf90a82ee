import { busAddress, busSettings, logSetting, runService } from '@fairway/service';
import { addProcessMetrics, metricsAddress, metricsSetting, serveMetrics } from '@fairway/service/metrics';
import { Registry } from 'prom-client';
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
      const registry = new Registry();
      const address = metricsAddress({ setting });
      // Before it waits for its Docker, or for a swarm.
      const endMetrics = address ? serveMetrics(registry, address, log) : () => {};
      if (address) addProcessMetrics(registry);
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
      return () => {
        endMetrics();
        return stop();
      };
    },
    [strictFlag, repairFlag, observeFlag],
  );
}
