/** A request of an agent, and what answers it. Capabilities bring their routes; the listener knows none by itself. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { BorealisError } from '../../protocol/errors.ts';
import { describeIssues } from '../api/input.ts';

export interface AgentRequest {
  readonly method: string;
  /** One of AGENT_PATHS: without query. */
  readonly path: string;
  readonly socket: TLSSocket;
  readonly headers: IncomingHttpHeaders;
  /** Of the peer; an IPv4 address as such, also where the socket is IPv6. */
  readonly address: string;
}

export interface AgentRoute {
  readonly path: string;
  /** Refuses by throwing, before anything of the body is read. */
  admit?(request: AgentRequest): void;
  /** Parses the body and answers; the answer is sent as JSON. Throws BorealisError. */
  answer(body: unknown, request: AgentRequest): Promise<object>;
}

/** A POST whose body is parsed by `schema`, the only door through which it comes in. */
export const agentRoute = <S extends z.ZodType>(declared: {
  readonly path: string;
  readonly schema: S;
  readonly admit?: (request: AgentRequest) => void;
  readonly handle: (body: z.output<S>, request: AgentRequest) => Promise<object>;
}): AgentRoute => ({
  path: declared.path,
  ...(declared.admit && { admit: declared.admit }),
  answer: (body, request) => declared.handle(parseBody(declared.schema, body), request),
});

const parseBody = <S extends z.ZodType>(schema: S, body: unknown): z.output<S> => {
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw new BorealisError('INVALID_INPUT', { detail: describeIssues(parsed.error.issues) });
  return parsed.data;
};
