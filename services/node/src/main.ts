import { logSetting, natsSetting, runService } from '@fairway/service';
import { startNode } from './node.ts';
import {
  balancerSetting,
  dockerSetting,
  ipvsTimeoutsSetting,
  netnsSetting,
  stateSetting,
  strictFlag,
} from './settings.ts';

await runService(
  'node',
  "watches this node's Docker and keeps the node's rules; runs as root on every node",
  [natsSetting, dockerSetting, balancerSetting, ipvsTimeoutsSetting, netnsSetting, stateSetting, logSetting],
  ({ log, tracer, setting, flag }) =>
    startNode({
      log,
      tracer,
      servers: setting(natsSetting.name).split(','),
      dockerHost: setting(dockerSetting.name),
      balancer: setting(balancerSetting.name),
      ipvsTimeouts: setting(ipvsTimeoutsSetting.name),
      strict: flag(strictFlag.name),
      netnsDir: setting(netnsSetting.name),
      stateDir: setting(stateSetting.name),
    }),
  [strictFlag],
);
