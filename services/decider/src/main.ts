import { connectBus } from '@fairway/bus';
import { logSetting, natsSetting, runService } from '@fairway/service';
import { startDecider } from './decider.ts';

await runService(
  'decider',
  'folds facts into the mesh',
  [natsSetting, logSetting],
  async ({ log, tracer, setting }) => {
    const bus = await connectBus({ servers: setting(natsSetting.name).split(','), name: 'decider', log });
    const decider = startDecider({ bus, log, tracer });
    log.info('deciding');
    return async () => {
      await decider.stop();
      await bus.close();
    };
  },
);
