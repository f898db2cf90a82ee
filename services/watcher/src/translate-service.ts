import { type NetworkAddress, type PublishedPort, type ServiceSpec, updateStates } from '@fairway/mesh';
import type { EngineService } from './engine-schema.ts';
import { wishes } from './translate-labels.ts';

/**
 * What a service asks of the mesh. Ports are those of `Endpoint`, which carries the numbers that Swarm assigned: a port
 * published without a number has 0 in `Spec.EndpointSpec` for ever. A `dnsrr` service has an empty `Endpoint.Spec`
 * (Docker 20.10), so its mode is the one that it asks for.
 */
export function serviceSpec(service: EngineService): ServiceSpec {
  const { Spec, Endpoint } = service;
  const replicated = Spec.Mode.Replicated;
  const update = updateStates.find((state) => state === service.UpdateStatus?.State);
  return {
    id: service.ID,
    name: Spec.Name,
    index: service.Version.Index,
    mode: Endpoint.Spec?.Mode ?? Spec.EndpointSpec?.Mode ?? 'vip',
    ports: Endpoint.Ports.flatMap((port): PublishedPort[] =>
      port.PublishMode === 'ingress' && port.PublishedPort > 0
        ? [{ protocol: port.Protocol, first: port.PublishedPort, last: port.PublishedPort, target: port.TargetPort }]
        : [],
    ),
    vips: Endpoint.VirtualIPs.flatMap((vip): NetworkAddress[] =>
      vip.Addr ? [{ network: vip.NetworkID, address: vip.Addr }] : [],
    ),
    labels: wishes(Spec.Labels),
    ...(replicated ? { replicas: replicated.Replicas ?? 1 } : {}),
    ...(update ? { update } : {}),
  };
}
