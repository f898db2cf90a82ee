import { connectBus } from '@fairway/bus';
import { busAddress, busSettings, logSetting, runService } from '@fairway/service';
import { startDecider } from './decider.ts';

await runService(
  'decider',
  'folds facts into the mesh',
  [...busSettings, logSetting],
  async ({ log, tracer, ...settings }) => {
    const bus = await connectBus({ ...busAddress(settings), name: 'decider', log });
    const decider = startDecider({ bus, log, tracer });
    log.info('deciding');
    return async () => {
      await decider.stop();
      await bus.close();
    };
  },
);
