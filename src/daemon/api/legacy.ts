/**
 * Paths of the systems that Borealis replaces: the same operations, roles and records, under the names and with the
 * fields that programs written for those systems know. A device goes by `agent_id` there, a state by `status`, and a
 * TCP port by its number.
 */
import { BorealisError } from '../../protocol/errors.ts';
import type { OperationName, OutputOf } from '../../protocol/operations.ts';
import type { Tunnel } from '../../protocol/tunnel.ts';

type Fields = Readonly<Record<string, unknown>>;

/** As Fastify has read it. */
export interface LegacyRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** Where the fields of an operation come from (input.ts). */
export interface Given {
  readonly path: Fields;
  readonly query: Fields;
  readonly body: unknown;
}

export interface LegacyPath {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As Fastify writes paths. */
  readonly url: string;
  readonly operation: OperationName;
  /** Errors: INVALID_INPUT. */
  given(request: LegacyRequest): Given;
  answer(output: never): unknown;
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** Wherever it was sent: in the path, the query or the body. */
const deviceOf = ({ params, query, body }: LegacyRequest): string => {
  const { agent_id: id } = { ...fieldsOf(body), ...fieldsOf(query), ...fieldsOf(params) };
  if (typeof id === 'string' && id !== '') return id;
  throw new BorealisError('INVALID_INPUT', { detail: 'agent_id: the name or GUID of a device.' });
};

const ofDevice = (request: LegacyRequest): Given => ({
  path: { device: deviceOf(request) },
  query: {},
  body: undefined,
});

const portsOf = (ports: readonly string[]): (number | string)[] =>
  ports.map((port) => (port.endsWith('/tcp') ? Number.parseInt(port, 10) : port));

const tunnelOf = (tunnel: Tunnel): unknown => ({
  ...tunnel,
  agent_id: tunnel.guid,
  status: tunnel.state,
  allowed_ports: portsOf(tunnel.allowed_ports),
});

const vpnConfigOf = ({ device, guid, allowed_ports: ports }: OutputOf<'tunnel.ports'>): unknown => ({
  agent_id: guid,
  device,
  allowed_ports: portsOf(ports),
});

export const legacyPaths: readonly LegacyPath[] = [
  {
    method: 'POST',
    url: '/api/tunnel/connect',
    operation: 'tunnel.connect',
    given: ofDevice,
    answer: tunnelOf,
  },
  ...['/api/tunnel/status', '/api/tunnel/connect/status'].map(
    (url): LegacyPath => ({
      method: 'GET',
      url,
      operation: 'tunnel.status',
      given: ofDevice,
      answer: tunnelOf,
    }),
  ),
  {
    method: 'DELETE',
    url: '/api/tunnel/disconnect',
    operation: 'tunnel.disconnect',
    given: ofDevice,
    answer: tunnelOf,
  },
  {
    method: 'GET',
    url: '/api/device/vpn_config/:agent_id',
    operation: 'tunnel.ports',
    given: ofDevice,
    answer: vpnConfigOf,
  },
  {
    method: 'PUT',
    url: '/api/device/vpn_config/:agent_id',
    operation: 'tunnel.allow',
    given: (request) => {
      const { allowed_ports: ports } = fieldsOf(request.body);
      const written = Array.isArray(ports)
        ? ports.map((port: unknown) => (typeof port === 'number' ? String(port) : port))
        : ports;
      return { ...ofDevice(request), body: { ports: written } };
    },
    answer: vpnConfigOf,
  },
];
