import { connectBus, connectEach } from '@fairway/bus';
import { busAddress, busSettings, logSetting, runService } from '@fairway/service';
import { startSentinel } from './sentinel.ts';

await runService(
  'sentinel',
  'finds which nodes can be reached',
  [...busSettings, logSetting],
  async ({ log, tracer, ...settings }) => {
    const address = busAddress(settings);
    const bus = await connectBus({ ...address, name: 'sentinel', log });
    const sentinel = startSentinel({ bus, log, tracer });
    const ears = connectEach({ ...address, name: 'sentinel-ear', log }, (ear) => sentinel.through(ear));
    log.info('watching');
    return async () => {
      await sentinel.stop();
      await ears.stop();
      await bus.close();
    };
  },
);
