import { beatMs } from '@fairway/bus';
import type { Flag, Setting } from '@fairway/service';
import { swarmkitSocket } from '@fairway/watcher';

export const dockerSetting: Setting = {
  name: 'DOCKER_HOST',
  meaning: "dockerd's socket",
  standard: 'unix:///var/run/docker.sock',
};

export const swarmkitSetting: Setting = {
  name: 'FAIRWAY_SWARMKIT_SOCKET',
  meaning: "swarmkit's socket on a manager: swarm/control.sock in dockerd's exec-root",
  standard: swarmkitSocket,
};

export const balancerSetting: Setting = {
  name: 'FAIRWAY_BALANCER',
  meaning: 'what balances: ipvs, nftables, or auto, IPVS where the kernel has it',
  standard: 'auto',
};

export const ipvsTimeoutsSetting: Setting = {
  name: 'FAIRWAY_IPVS_TIMEOUTS',
  meaning:
    'seconds that IPVS keeps silent connections, TCP,TCPFIN,UDP, as 900,120,300; or kernel, which leaves its own',
  standard: 'kernel',
};

export const beatSetting: Setting = {
  name: 'FAIRWAY_BEAT_MS',
  meaning: 'how often it says that it lives, milliseconds; who misses three asks its peers whether they reach it',
  standard: `${beatMs}`,
};

export const strictFlag: Flag = {
  name: '--strict',
  meaning: 'end where FAIRWAY_BALANCER=ipvs and the kernel has no IPVS, rather than to balance with nftables',
};

export const observeFlag: Flag = {
  name: '--observe',
  meaning: "route nothing and change nothing: only tell how Docker's own mesh is (fairway audit)",
};

export const repairFlag: Flag = {
  name: '--repair-overlay',
  meaning:
    "put back ways that Docker's gossip took away from an overlay with a node that is there, and set those that stay wrong",
};

export const netnsSetting: Setting = {
  name: 'FAIRWAY_NETNS_DIR',
  meaning: "folder of Docker's network namespaces: netns in dockerd's exec-root",
  standard: '/var/run/docker/netns',
};

export const stateSetting: Setting = {
  name: 'FAIRWAY_STATE_DIR',
  meaning: 'folder for what the node remembers when the bus is away',
  standard: '/var/lib/fairway',
};
