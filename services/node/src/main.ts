import { logSetting, natsSetting, runService } from '@fairway/service';
import { startNode } from './node.ts';
import { dockerSetting, netnsSetting, stateSetting } from './settings.ts';

await runService(
  'node',
  "watches this node's Docker and keeps the node's rules; runs as root on every node",
  [natsSetting, dockerSetting, netnsSetting, stateSetting, logSetting],
  ({ log, tracer, setting }) =>
    startNode({
      log,
      tracer,
      servers: setting(natsSetting.name).split(','),
      dockerHost: setting(dockerSetting.name),
      netnsDir: setting(netnsSetting.name),
      stateDir: setting(stateSetting.name),
    }),
);
