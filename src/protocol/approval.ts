/** The queue of agents that ask to be enrolled. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { agentContext, deviceRef, label, querySwitch, timestamp } from './scalars.ts';

export const approvalConflict = z.strictObject({
  kind: z.enum(['hostname', 'fingerprint']),
  /** Name of the device it clashes with. */
  device: z.string(),
});

export const approval = z.strictObject({
  id: z.string(),
  hostname: z.string(),
  fingerprint: z.string(),
  /** SHA-256 of the agent's public key, as `borealis-agent status` prints it: compare before approving. */
  key_fingerprint: z.string(),
  context: agentContext,
  os: z.string(),
  arch: z.string(),
  agent_version: z.string(),
  address: z.string().nullable(),
  site: z.string().nullable(),
  requested_at: timestamp,
  expires_at: timestamp,
  state: z.enum(['waiting', 'approved', 'denied', 'expired', 'completed']),
  decided_by: z.string().nullable(),
  decided_at: timestamp.nullable(),
  conflict: approvalConflict.nullable(),
  /** Name of the device that came of it. */
  device: z.string().nullable(),
});
export type Approval = z.infer<typeof approval>;

const ref = z.strictObject({ approval: z.string().min(1).max(64) });

export const approvalOperations = {
  'approval.list': operation({
    method: 'GET',
    path: '/approvals',
    role: 'viewer',
    summary: 'List the agents that wait for approval; with `all`, the decided ones too.',
    input: z.strictObject({ all: querySwitch.default(false) }),
    output: z.array(approval),
  }),
  'approval.show': operation({
    method: 'GET',
    path: '/approvals/{approval}',
    role: 'viewer',
    summary: 'Show one request, by its id or a unique prefix.',
    input: ref,
    output: approval,
  }),
  'approval.approve': operation({
    method: 'POST',
    path: '/approvals/{approval}/approve',
    role: 'operator',
    summary:
      'Approve: as a new device, as the same device with a new key (merge keeps its GUID and history), or in place of a device (overwrite revokes and replaces it).',
    input: ref
      .extend({ merge: deviceRef.optional(), overwrite: deviceRef.optional(), name: label.optional() })
      .refine((value) => !(value.merge && value.overwrite), {
        message: 'merge and overwrite exclude each other',
        path: ['merge'],
      }),
    output: approval,
  }),
  'approval.deny': operation({
    method: 'POST',
    path: '/approvals/{approval}/deny',
    role: 'operator',
    summary: 'Deny the request; the agent is told and stops asking.',
    input: ref.extend({ reason: label.optional() }),
    output: approval,
  }),
};
