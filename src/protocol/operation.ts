/** How an operation of the local API is declared: once. Router, client, OpenAPI, authorisation and docs derive from it. */
import type { z } from 'zod';
import type { Role } from './scalars.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * How the answer travels:
 * `json`    one JSON document;
 * `stream`  a WebSocket on the same path; each message is one `output`;
 * `terminal` a WebSocket both ways: binary messages are a terminal's bytes, text messages JSON (`output` from the engine);
 * `binary`  the response body is bytes (of type `media`);
 * `upload`  the request body is bytes; the fields of `input` travel in the query and, for secrets, in
 *           the header `borealis-passphrase`, percent-encoded.
 */
export type Transport = 'json' | 'stream' | 'terminal' | 'binary' | 'upload';

export interface Operation<
  I extends z.ZodType = z.ZodType,
  O extends z.ZodType = z.ZodType,
  T extends Transport = Transport,
  R extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** Below /api/v1; `{name}` takes the field of that name from the input. */
  readonly path: string;
  readonly role: Role;
  /** `project`: who has that role in the project of what it is about, may too. */
  readonly scope?: 'project' | undefined;
  /** Media type of the bytes of a `binary`; application/octet-stream where there is none. */
  readonly media?: string | undefined;
  readonly transport: T;
  /** One sentence for people. */
  readonly summary: string;
  /** True where the operation changes something, so that it must be audited. */
  readonly changes: boolean;
  readonly input: I;
  readonly output: O;
  /** What the caller says in text messages while it is connected: of `terminal` alone. */
  readonly request?: R | undefined;
}

type Declared<
  I extends z.ZodType,
  O extends z.ZodType,
  T extends Transport,
  R extends z.ZodType = z.ZodType,
> = Omit<Operation<I, O, T, R>, 'transport' | 'changes'> & {
  readonly transport?: T;
  readonly changes?: boolean;
};

export const operation = <
  I extends z.ZodType,
  O extends z.ZodType,
  const T extends Transport = 'json',
  R extends z.ZodType = z.ZodType,
>(
  declared: Declared<I, O, T, R>,
): Operation<I, O, T, R> => ({
  transport: 'json' as T,
  changes: declared.method !== 'GET',
  ...declared,
});

/** The names inside `{…}` of a path. */
export const pathFields = (path: string): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
