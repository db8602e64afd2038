/** Enrolment codes: shown once, stored hashed. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { querySwitch, site, tags, timestamp } from './scalars.ts';

export const code = z.strictObject({
  id: z.string(),
  expires_at: timestamp,
  uses_left: z.number().int(),
  uses: z.number().int(),
  site: z.string().nullable(),
  tags,
  auto_approve: z.boolean(),
  created_at: timestamp,
  created_by: z.string(),
  state: z.enum(['active', 'expired', 'used_up', 'revoked']),
});
export type Code = z.infer<typeof code>;

/** Only the answer to `code.create` carries the code itself, its link and the pin. */
export const createdCode = code.extend({ code: z.string(), link: z.string(), pin: z.string() });
export type CreatedCode = z.infer<typeof createdCode>;

export const codeOperations = {
  'code.create': operation({
    method: 'POST',
    path: '/codes',
    role: 'operator',
    summary: 'Make an enrolment code.',
    input: z.strictObject({
      uses: z.number().int().min(1).max(100_000).default(1),
      /** Seconds until it expires: a minute to a year. */
      expires_in: z.number().int().min(60).max(31_536_000).default(86_400),
      site: site.optional(),
      tags: tags.optional(),
      auto_approve: z.boolean().default(false),
      /** HOST or HOST:PORT that agents shall reach the engine by; the configured public address otherwise. */
      address: z.string().min(1).max(260).optional(),
    }),
    output: createdCode,
  }),
  'code.list': operation({
    method: 'GET',
    path: '/codes',
    role: 'viewer',
    summary: 'List enrolment codes, newest first.',
    input: z.strictObject({ all: querySwitch.default(false) }),
    output: z.array(code),
  }),
  'code.revoke': operation({
    method: 'DELETE',
    path: '/codes/{code}',
    role: 'operator',
    summary: 'Revoke an enrolment code, by its id or a unique prefix.',
    input: z.strictObject({ code: z.string().min(1).max(64) }),
    output: code,
  }),
};
