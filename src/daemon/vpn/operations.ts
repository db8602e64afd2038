/** All operations of VPN services and connections, each held to the project that it is about. */
import { connectionOperations } from './connection-operations.ts';
import { inProjects } from './projects.ts';
import { type ServiceOperationParts, serviceOperations } from './service-operations.ts';

export const vpnHandlers = (parts: ServiceOperationParts) =>
  inProjects(parts.services, { ...serviceOperations(parts), ...connectionOperations(parts.services) });
