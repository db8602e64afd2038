/** All operations of the local API. Add one here, its handler beside its rules, its command, its test. */
import type { z } from 'zod';
import { approvalOperations } from './approval.ts';
import { auditOperations } from './audit.ts';
import { codeOperations } from './code.ts';
import { copyOperations } from './copy.ts';
import { deviceOperations } from './device.ts';
import { engineOperations } from './engine.ts';
import { eventOperations } from './event.ts';
import { haOperations } from './ha.ts';
import { jobOperations } from './job.ts';
import { scriptOperations } from './script.ts';
import { sessionOperations, shellOperations } from './shell.ts';
import { telemetryOperations } from './telemetry.ts';
import { tunnelOperations } from './tunnel.ts';
import { userOperations } from './user.ts';
import { vpnOperations } from './vpn.ts';

export const operations = {
  ...engineOperations,
  ...eventOperations,
  ...auditOperations,
  ...userOperations,
  ...codeOperations,
  ...approvalOperations,
  ...deviceOperations,
  ...telemetryOperations,
  ...scriptOperations,
  ...jobOperations,
  ...tunnelOperations,
  ...shellOperations,
  ...sessionOperations,
  ...vpnOperations,
  ...haOperations,
  ...copyOperations,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What a caller may send: defaults may be left out. */
export type InputOf<N extends OperationName> = z.input<Operations[N]['input']>;
/** What a handler receives: parsed, defaults filled in. */
export type ParsedInputOf<N extends OperationName> = z.output<Operations[N]['input']>;
export type OutputOf<N extends OperationName> = z.output<Operations[N]['output']>;
/** What the caller of a `terminal` says in text messages. */
export type RequestOf<N extends OperationName> = z.output<NonNullable<Operations[N]['request']>>;

/** RFC 9457 problem details, with our stable code and the next step. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  next: string;
}
