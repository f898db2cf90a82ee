import type { CredentialsFolder, ServerNews } from '@fairway/credentials';
import { Command, InvalidArgumentError, Option } from 'commander';

/** Where credentials are kept unless told otherwise. */
const dirStandard = '/etc/fairway/credentials';
const storeStandard = '/var/lib/fairway/nats';

const statusHelp =
  '\nExit status: 0 done, 1 it could not be done, or not to its end and what is said tells what is left, 2 wrong usage.';

type Servers = Record<string, string>;
type InitOptions = {
  readonly server: Servers;
  readonly clientPort: number;
  readonly routePort: number;
  readonly monitorPort: number;
  readonly installed?: string;
  readonly store: string;
};

/**
 * `fairway credentials`: who may connect to the bus, as what. It works on a folder and asks no console. What does the
 * work is loaded only when it is done, as every other command would wait for it.
 */
export function credentialsCommand(): Command {
  const command = new Command('credentials')
    .description('who may connect to the bus, as what: keys, certificates and the configuration of its servers')
    .option(
      '--dir <folder>',
      'where they are kept [$FAIRWAY_CREDENTIALS_DIR]',
      process.env.FAIRWAY_CREDENTIALS_DIR || dirStandard,
    );
  const open = async (): Promise<CredentialsFolder> => {
    const { CredentialsFolder } = await import('@fairway/credentials');
    return new CredentialsFolder(command.opts<{ dir: string }>().dir);
  };
  const change = async (done: string, work: (folder: CredentialsFolder) => Promise<ServerNews>) => {
    const folder = await open();
    tell(done, folder, await work(folder));
  };
  /** Somebody new, and where the file is that goes to it. */
  const add = (name: string, role: 'node' | 'manager' | 'decider' | 'console' | 'sentinel') =>
    change(`${name} may connect as a ${role}.`, async (folder) => {
      const news = await folder.add({ name, role });
      process.stdout.write(`${folder.clientFile(name)}\n`);
      return news;
    });

  command
    .command('init')
    .description('makes a certificate authority, servers, and credentials for a decider, a sentinel and a console')
    .requiredOption('--server <name=address>', 'a nats-server; three of them lose one without a loss', server)
    .option('--client-port <port>', 'for those who connect', port, 4222)
    .option('--route-port <port>', 'for the other servers', port, 6222)
    .option('--monitor-port <port>', "on each server's loopback", port, 8222)
    .option('--installed <folder>', "where a server's folder will be on its machine; here, unless told")
    .option('--store <folder>', 'where JetStream keeps what it stores', storeStandard)
    .addHelpText(
      'after',
      `
Each server is given its folder of ${dirStandard}/servers, and is started with

  nats-server -c ${dirStandard}/servers/NAME/nats.conf

The authority's key stays here, and is needed for new servers' certificates alone.

  fairway credentials init --server s1=10.0.0.1 --server s2=10.0.0.2 --server s3=10.0.0.3
${statusHelp}`,
    )
    .action(async (options: InitOptions) => {
      const { CredentialsFolder, serverUrls } = await import('@fairway/credentials');
      const services = ['decider', 'sentinel', 'console'] as const;
      const serversOf = (made: CredentialsFolder) =>
        Object.entries(options.server).map(([name, address]) => ({
          name,
          address,
          clientPort: options.clientPort,
          routePort: options.routePort,
          monitorPort: options.monitorPort,
          dir: options.installed ?? made.serverDir(name),
          store: options.store,
        }));
      const users = services.map((name) => ({ name, role: name }));
      const folder = await CredentialsFolder.init(command.opts<{ dir: string }>().dir, serversOf, users);
      process.stdout.write(
        `Credentials are in ${folder.dir}. Start each server with its folder of servers, and give\n` +
          services
            .map((name) => `  ${`the ${name}`.padEnd(13)} FAIRWAY_NATS_CREDENTIALS=${folder.clientFile(name)}\n`)
            .join('') +
          `and everybody   FAIRWAY_NATS=${serverUrls(await folder.registry()).join(',')}\n` +
          'Then add each node: fairway credentials node add ID\n',
      );
    });

  const node = command.command('node').description('nodes of the swarm');
  node
    .command('add')
    .argument('<id>', "the node's id, as docker node ls has it")
    .option('--manager', 'it is a manager, and may tell of the whole swarm')
    .description('a node may connect; prints the file that it is to be given')
    .addHelpText(
      'after',
      `
  fairway credentials node add --manager $(docker info --format '{{.Swarm.NodeID}}')
${statusHelp}`,
    )
    .action((id: string, { manager }: { manager?: true }) => add(id, manager ? 'manager' : 'node'));
  for (const [verb, role, description] of [
    ['promote', 'manager', 'a node is a manager now, and may tell of the whole swarm'],
    ['demote', 'node', 'a node is a worker now, and may tell of its own containers alone'],
  ] as const) {
    node
      .command(verb)
      .argument('<id>', "the node's id")
      .description(description)
      .addHelpText(
        'after',
        `
To be done with docker node ${verb}, which changes nothing of this. The file that the node has stays good.

  docker node ${verb} node2 && fairway credentials node ${verb} $(docker node inspect --format '{{.ID}}' node2)
${statusHelp}`,
      )
      .action((id: string) => change(`${id} is a ${role} now.`, (folder) => folder.setNodeRole(id, role)));
  }

  command
    .command('service')
    .description('services of Fairway beside those that init made')
    .command('add')
    .argument('<name>', 'a name of its own: decider-2')
    .addOption(
      new Option('--role <role>', 'what it is').choices(['decider', 'console', 'sentinel']).makeOptionMandatory(),
    )
    .description('a service may connect; prints the file that it is to be given')
    .addHelpText('after', `\n  fairway credentials service add decider-2 --role decider\n${statusHelp}`)
    .action((name: string, { role }: { role: 'decider' | 'console' | 'sentinel' }) => add(name, role));

  command
    .command('rotate')
    .argument('<name>', "a node's id or a service's name")
    .option('--finish', 'the old key is good no longer')
    .description('a new key beside the old one')
    .addHelpText(
      'after',
      `
Both keys are good until --finish. Give the new file to its owner in between; it is read at each connection, so nothing
is started again. With --finish whoever is connected with the old key is cut off, and connects with the new one.

  fairway credentials rotate console
  fairway credentials rotate console --finish
${statusHelp}`,
    )
    .action((name: string, { finish }: { finish?: true }) =>
      finish
        ? change(`${name} has its new key alone.`, (folder) => folder.finishRotation(name))
        : change(`${name} has a new key beside the old one.`, async (folder) => {
            const news = await folder.rotate(name);
            process.stdout.write(`${folder.clientFile(name)}\n`);
            return news;
          }),
    );

  command
    .command('revoke')
    .argument('<name>', "a node's id or a service's name")
    .description('somebody may not connect any more, and is cut off')
    .addHelpText('after', `\n  fairway credentials revoke zq7ulpxk83nqzq7ulpxk83nqz\n${statusHelp}`)
    .action((name: string) => change(`${name} may not connect any more.`, (folder) => folder.revoke(name)));

  command
    .command('renew')
    .description('new certificates for all servers, which are good for 13 months; list tells until when they are')
    .addHelpText('after', `\n  fairway credentials renew\n${statusHelp}`)
    .action(() => change('Every server has a new certificate.', (folder) => folder.renew()));

  command
    .command('reload')
    .description('has the servers on this machine go by what is here, where one did not read it')
    .addHelpText('after', `\n  fairway credentials reload\n${statusHelp}`)
    .action(() => change('The servers are told again.', (folder) => folder.reload()));

  command
    .command('list')
    .description('who may connect, and the servers')
    .option('--json', 'the same for programs')
    .addHelpText('after', `\n  fairway credentials list\n\nExit status: 0 told, 1 there are none, 2 wrong usage.`)
    .action(async ({ json }: { json?: true }) => {
      const folder = await open();
      const { users } = await folder.registry();
      const servers = await folder.servers();
      if (json) {
        process.stdout.write(`${JSON.stringify({ users, servers }, undefined, 2)}\n`);
        return;
      }
      const { showCredentials } = await import('./show-credentials.ts');
      process.stdout.write(showCredentials(users, servers));
    });

  return command;
}

function tell(done: string, folder: CredentialsFolder, { confirmed, unconfirmed, elsewhere }: ServerNews): void {
  process.stderr.write(`${done}\n`);
  if (confirmed.length > 0) process.stderr.write(`These servers go by it: ${confirmed.join(', ')}.\n`);
  if (unconfirmed.length > 0)
    process.stderr.write(
      `These were told, and cannot be asked from here whether they go by it: ${unconfirmed.join(', ')}. Their logs tell.\n`,
    );
  if (elsewhere.length === 0) return;
  process.stderr.write(
    `These run on no process of this machine: ${elsewhere.join(', ')}. Give each its folder of ${folder.dir}/servers, and ` +
      'have it read it again (SIGHUP).\n',
  );
}

function server(text: string, others: Servers = {}): Servers {
  const [name = '', address = '', ...rest] = text.split('=');
  if (name === '' || address === '' || rest.length > 0) throw new InvalidArgumentError('It has to be NAME=ADDRESS.');
  if (Object.hasOwn(others, name)) throw new InvalidArgumentError(`${name} is named twice.`);
  return { ...others, [name]: address };
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new InvalidArgumentError('It has to be a port.');
  return value;
}
