import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { run } from './command.ts';
import type { Engine } from './engine.ts';
import type { ClusterPlace } from './place.ts';
import type { Toolchain } from './toolchain.ts';

/** The image that every node has: busybox and small servers for trying things, made here since no registry is asked. */
export const imageName = 'app:1';

/**
 * `serve [PORT]` answers every HTTP request with "I'm <hostname>", like the whoami of many a tutorial, from a file and
 * with a process per connection. As process 1 it has no default action for SIGTERM, hence the trap: on being told to
 * stop it serves DRAIN_SECONDS more (0 by default), takes no new connection, and leaves up to 2 s to those it has.
 */
const serve = `#!/bin/sh
port=\${1:-8000}
echo "I'm $(hostname)" >/www/index.html
httpd -f -p "$port" -h /www &
server=$!
drain() {
  sleep "\${DRAIN_SECONDS:-0}"
  kill $server
  tries=0
  while pidof httpd >/dev/null && [ $tries -lt 40 ]; do usleep 50000; tries=$((tries + 1)); done
  exit 0
}
trap drain TERM INT
wait $server
`;

/**
 * `serve-many [PORT]` is `serve` for steady traffic on a busy machine: busybox's httpd keeps no more than nine connections
 * waiting, and the kernel drops the SYN of a tenth (TcpExtListenDrops), which a client then sends again a second later.
 * On being told to stop it takes those that wait, and leaves up to 2 s to those it has. 2, 1 and 6 are AF_INET,
 * SOCK_STREAM and TCP; 1 and 2 SOL_SOCKET and SO_REUSEADDR.
 */
const serveMany = `#!/bin/sh
exec perl -e '
  my ($port, $name) = @ARGV;
  socket(my $server, 2, 1, 6) or die "socket: $!";
  setsockopt($server, 1, 2, pack("i", 1));
  bind($server, pack("S n a4 x8", 2, $port, "\\0" x 4)) or die "bind: $!";
  listen($server, 512) or die "listen: $!";
  my $told = 0;
  $SIG{TERM} = $SIG{INT} = sub { $told = 1 };
  $SIG{CHLD} = "IGNORE";
  while (1) {
    vec(my $ready = "", fileno($server), 1) = 1;
    unless (select($ready, undef, undef, 0.1) > 0) { last if $told; next }
    accept(my $client, $server) or next;
    defined(my $child = fork) or next;
    next if $child;
    alarm 10;
    my $asked = "";
    until ($asked =~ /\\r?\\n\\r?\\n/) { sysread($client, $asked, 4096, length $asked) or exit }
    syswrite($client, "HTTP/1.0 200 OK\\r\\n\\r\\nI\\x27m $name\\n");
    exit;
  }
  close $server;
  $SIG{ALRM} = sub { exit };
  alarm 2;
  1 while wait > 0;
' "\${1:-8000}" "$(hostname)"
`;

/** `echo-tcp PORT` names itself once and then sends back every line of a connection, for as long as it is open. */
const echoTcp = `#!/bin/sh
exec socat "TCP4-LISTEN:$1,fork,reuseaddr,backlog=512" EXEC:answer-tcp
`;

const answerTcp = `#!/bin/sh
echo "I'm $(hostname)"
exec cat
`;

/**
 * `echo-udp PORT` answers every datagram with its name and the datagram's text. One process, and no fork per datagram:
 * socat's UDP4-RECVFROM,fork (1.7.4) stops answering after some hundred datagrams that come side by side. Perl's own
 * socket calls need no module: 2 and 2 are AF_INET and SOCK_DGRAM, 17 is UDP. Debian's busybox nc has no UDP.
 */
const echoUdp = `#!/bin/sh
exec perl -e '
  my ($port, $name) = @ARGV;
  socket(my $server, 2, 2, 17) or die "socket: $!";
  bind($server, pack("S n a4 x8", 2, $port, "\\0" x 4)) or die "bind: $!";
  $SIG{TERM} = $SIG{INT} = sub { exit 0 };
  while (1) {
    my $from = recv($server, my $text, 65535, 0);
    send($server, "I\\x27m $name: $text", 0, $from) if defined $from;
  }
' "$1" "$(hostname)"
`;

const scripts = {
  serve,
  'serve-many': serveMany,
  'echo-tcp': echoTcp,
  'answer-tcp': answerTcp,
  'echo-udp': echoUdp,
};

async function copyInto(root: string, file: string): Promise<void> {
  const copy = join(root, file);
  await mkdir(dirname(copy), { recursive: true });
  await copyFile(file, copy);
}

/** A program's shared libraries, the loader included, as paths: what \`ldd\` prints with a slash. */
export function parseLibraries(ldd: string): string[] {
  return [...ldd.matchAll(/(\/\S+) \(0x/g)].flatMap((found) => found[1] ?? []);
}

/** Writes the image's tar file once for all nodes. */
export async function makeImage(place: ClusterPlace, tools: Toolchain): Promise<void> {
  const root = join(place.dataDir, 'image');
  for (const dir of ['bin', 'tmp', 'etc', 'www', 'proc', 'sys', 'dev'])
    await mkdir(join(root, dir), { recursive: true });
  await copyFile(tools.busybox, join(root, 'bin/busybox'));
  for (const applet of (await run([tools.busybox, '--list'])).trim().split('\n')) {
    if (applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
  }
  for (const program of [tools.socat, tools.perl]) {
    await copyFile(program, join(root, 'bin', basename(program)));
    for (const library of parseLibraries(await run(['ldd', program]))) await copyInto(root, library);
  }
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(root, 'bin', name), script);
    await chmod(join(root, 'bin', name), 0o755);
  }
  await run(['tar', '-C', root, '-cf', place.imageFile, '.']);
  await rm(root, { recursive: true });
}

/** Gives a node the image; without an argument it serves on port 8000. */
export async function loadImage(place: ClusterPlace, engine: Engine): Promise<void> {
  const [repo, tag] = imageName.split(':');
  const changes = ['CMD ["serve"]', 'ENV PATH=/bin'].map((change) => `changes=${encodeURIComponent(change)}`).join('&');
  await engine.postTar(
    `/images/create?fromSrc=-&repo=${repo}&tag=${tag}&${changes}`,
    createReadStream(place.imageFile),
  );
}
