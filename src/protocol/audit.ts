/** The hash-chained record of every change. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { nothing, pageQuery, queryInteger, timestamp } from './scalars.ts';

export const auditRecord = z.strictObject({
  seq: z.number().int(),
  at: timestamp,
  actor: z.string(),
  action: z.string(),
  target: z.string().nullable(),
  result: z.string(),
  detail: z.record(z.string(), z.json()),
  previous: z.string(),
  /** SHA-256, hex, over the previous hash and this record's canonical form. */
  hash: z.string(),
});
export type AuditRecord = z.infer<typeof auditRecord>;

export const auditOperations = {
  'audit.list': operation({
    method: 'GET',
    path: '/audit',
    role: 'viewer',
    summary: 'List changes, newest first.',
    input: z.strictObject({
      ...pageQuery,
      actor: z.string().max(128).optional(),
      action: z.string().max(128).optional(),
      target: z.string().max(253).optional(),
      since: timestamp.optional(),
      before_seq: queryInteger(1, Number.MAX_SAFE_INTEGER).optional(),
    }),
    output: z.strictObject({ items: z.array(auditRecord), next_cursor: z.string().nullable() }),
  }),
  'audit.verify': operation({
    method: 'GET',
    path: '/audit/verify',
    role: 'viewer',
    summary: 'Recompute the whole chain and name the first break.',
    input: nothing,
    output: z.strictObject({
      intact: z.boolean(),
      records: z.number().int(),
      head: z.string().nullable(),
      break: z
        .strictObject({
          seq: z.number().int(),
          kind: z.enum(['changed', 'removed', 'reordered', 'truncated']),
          message: z.string(),
        })
        .nullable(),
    }),
  }),
};
