import type { ServiceSpec, TaskClaim } from '@fairway/mesh';
import { type Docker, DockerMalformed } from './docker.ts';
import type { EngineService, EngineTask } from './engine-schema.ts';
import type { MeshView } from './mesh-view.ts';
import { type ServicePicture, servicePicture } from './service-picture.ts';
import { serviceSpec } from './translate-service.ts';
import { isEnded, taskClaim } from './translate-task.ts';

/** What one reading of a service and its tasks came to. */
export type ServiceReading = {
  readonly service: EngineService;
  readonly tasks: readonly EngineTask[];
  readonly picture: ServicePicture;
  /**
   * Whether Docker's index of the service or of a task is below the mesh's, Docker has a service or a task that the mesh
   * takes for gone or has from its node alone, or the service is another at the same index: the swarm may have been restored.
   */
  readonly behind: boolean;
};

/** Where to read, and what was read before. */
export type ReadFrom = {
  readonly docker: Docker;
  readonly view: MeshView;
  /** What was told of the service last. */
  readonly told: ServicePicture | undefined;
};

/**
 * Makes a service's picture out of what Docker listed and what the mesh holds. A task that the mesh has as wanted and the
 * listing has not is inspected, and is gone where that answers 404, or with a task of another service. Swarm keeps ended
 * tasks as history; they are left out unless the mesh has them, or was told that they live and may have them by now. The list is `partial` where something was
 * put aside that may be a task of the service.
 */
export async function readService(
  { docker, view, told }: ReadFrom,
  service: EngineService,
  listed: readonly EngineTask[],
  { confirmed = false, partial = false }: { readonly confirmed?: boolean; readonly partial?: boolean } = {},
): Promise<ServiceReading> {
  const tasks = new Map(listed.map((task) => [task.ID, task]));
  const gone: string[] = [];
  const held = [...view.tasks(service.ID)];
  for (const { id, released } of held) {
    if (tasks.has(id) || released) continue;
    const task = await unlessMalformed(docker.inspectTask(id));
    if (task === 'malformed') continue;
    // A node may have told of another service's as of this one's.
    if (task?.ServiceID === service.ID) tasks.set(id, task);
    else gone.push(id);
  }
  const heldTasks = new Map(held.map((task) => [task.id, task]));
  const toldAlive = new Set(told?.tasks.filter(({ claim }) => claim !== 'released').map(({ id }) => id));
  const worthTelling = ({ ID, Status }: EngineTask) => heldTasks.has(ID) || toldAlive.has(ID) || !isEnded(Status.State);
  const claims = [...tasks.values()].filter(worthTelling).flatMap((task): TaskClaim[] => {
    const claim = taskClaim(task);
    return claim ? [claim] : [];
  });
  const spec = serviceSpec(service);
  const { spec: heldSpec, seen = 0 } = view.service(spec.id) ?? {};
  const isBehind = ({ id, index, claim }: TaskClaim) => {
    const known = heldTasks.get(id);
    // One that no manager told of the mesh takes for one that was removed before it was told of a later one; so it does where
    // the task's node has told of it.
    const lost = known?.index ? known.released : index <= seen;
    return (claim !== 'released' && lost) || index < (known?.index ?? 0);
  };
  const behind = view.isRemoved('service', spec.id) || (heldSpec && isPast(spec, heldSpec)) || claims.some(isBehind);
  const picture = servicePicture(spec, claims, gone, confirmed, partial);
  return { service, tasks: [...tasks.values()], picture, behind };
}

/**
 * Reads a service again, object by object, so that each of its indexes counts even where it is lower than the mesh's.
 * Undefined where that cannot be said: the service is gone, or does not fit its schema.
 */
export async function confirmService(from: ReadFrom, id: string): Promise<ServiceReading | undefined> {
  const { docker } = from;
  const service = await unlessMalformed(docker.inspectService(id));
  if (!service || service === 'malformed') return undefined;
  const tasks: EngineTask[] = [];
  const { fit, aside } = await docker.listTasks(id);
  for (const listed of fit) {
    const task = await unlessMalformed(docker.inspectTask(listed.ID));
    if (task && task !== 'malformed') tasks.push(task);
  }
  const reading = await readService(from, service, tasks, {
    confirmed: true,
    partial: tasks.length < fit.length + aside.length,
  });
  return reading.behind ? reading : undefined;
}

/** Whether Docker has what the mesh knows to be over: a restored swarm counts on from an index that was given before. */
function isPast(spec: ServiceSpec, held: ServiceSpec): boolean {
  return spec.index < held.index || (spec.index === held.index && !says(held, spec));
}

/** Whether a value says all that another does; a watcher of a later release may have said more. */
function says(held: unknown, told: unknown): boolean {
  if (typeof told !== 'object' || told === null) return held === told;
  if (typeof held !== 'object' || held === null) return false;
  if (Array.isArray(told) && told.length !== (held as readonly unknown[]).length) return false;
  return Object.entries(told).every(([key, value]) => says((held as Readonly<Record<string, unknown>>)[key], value));
}

/** What an inspect answers, with `malformed` for an object that is there and was put aside. */
export async function unlessMalformed<T>(inspect: Promise<T | undefined>): Promise<T | undefined | 'malformed'> {
  try {
    return await inspect;
  } catch (error) {
    if (error instanceof DockerMalformed) return 'malformed';
    throw error;
  }
}
