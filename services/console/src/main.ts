import { connectBus } from '@fairway/bus';
import { busAddress, busSettings, listenAddress, logSetting, runService } from '@fairway/service';
import { addProcessMetrics } from '@fairway/service/metrics';
import { serve } from '@hono/node-server';
import { Registry } from 'prom-client';
import { startConsole } from './console.ts';

const listenSetting = {
  name: 'FAIRWAY_CONSOLE_LISTEN',
  meaning: 'address and port to listen on',
  standard: '127.0.0.1:8080',
};

await runService(
  'console',
  'serves the view of the mesh over HTTP',
  [...busSettings, listenSetting, logSetting],
  async ({ log, setting }) => {
    const { host, port } = listenAddress(listenSetting.name, setting(listenSetting.name));
    const bus = await connectBus({ ...busAddress({ setting }), name: 'console', log });
    const registry = new Registry();
    addProcessMetrics(registry);
    const held = startConsole({ bus, log, registry });
    const server = serve(
      { fetch: held.app.fetch, port, ...(host === undefined ? {} : { hostname: host }) },
      ({ address, port: bound }) => log.info('listening', { address, port: bound }),
    );
    server.on('error', (error) => {
      log.error('cannot listen', { reason: error.message });
      process.exit(1);
    });
    return async () => {
      // First, so that whoever follows the events comes to an end: the server waits for all that it answers.
      await held.stop();
      await new Promise((resolve) => server.close(resolve));
      await bus.close();
    };
  },
);
