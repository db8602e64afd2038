/** The local API's routes, worked out once from the declared operations. */
import { type Operation, pathFields } from '../../protocol/operation.ts';
import { type OperationName, operations } from '../../protocol/operations.ts';

export const API_PREFIX = '/api/v1';
export const OPENAPI_PATH = `${API_PREFIX}/openapi.json`;

export interface Route {
  readonly name: OperationName;
  readonly operation: Operation;
  /** Names of the fields that travel in the path. */
  readonly fields: readonly string[];
  /** True where the other fields travel in the query, not in a JSON body. */
  readonly fromQuery: boolean;
  /** As Fastify writes paths: `/api/v1/devices/:device`. */
  readonly url: string;
  /** The same path, for the few requests that Fastify's router does not see. */
  readonly pattern: RegExp;
}

export const routes: readonly Route[] = (Object.entries(operations) as [OperationName, Operation][]).map(
  ([name, operation]) => ({
    name,
    operation,
    fields: pathFields(operation.path),
    fromQuery:
      operation.method === 'GET' || operation.method === 'DELETE' || operation.transport === 'upload',
    url: API_PREFIX + operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    pattern: new RegExp(`^${API_PREFIX}${operation.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  }),
);

/** Every route on this path, whatever its method. */
export const routesAt = (path: string): Route[] => routes.filter((route) => route.pattern.test(path));
