import { isId } from '@fairway/bus';
import type { ServiceInDocker } from '@fairway/mesh';
import type { Docker } from './docker.ts';
import { serviceSpec } from './translate-service.ts';
import { taskClaim } from './translate-task.ts';

/**
 * What a manager's Docker has of a service at the moment, by its id; undefined where it has none.
 * @throws {DockerUnavailable | DockerRefused | DockerMalformed}
 */
export async function serviceInDocker(docker: Docker, id: string): Promise<ServiceInDocker | undefined> {
  const service = await docker.inspectService(id);
  if (!service) return undefined;
  const { fit, aside } = await docker.listTasks(id);
  const claims = fit.flatMap((task) => taskClaim(task) ?? []);
  const wanted = claims.filter(({ claim }) => claim !== 'released').map((task) => task.id);
  return { spec: serviceSpec(service), wanted, unread: aside.filter(isId) };
}
