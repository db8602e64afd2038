/**
 * A verb: what a signed command may ask of this machine. A further one is one file that calls `defineVerb`, and one
 * line in registry.ts.
 */
import type { z } from 'zod';
import type { scriptClaims } from '../../protocol/command.ts';
import { BorealisError, type ErrorCode } from '../../protocol/errors.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { GroupRegister } from '../groups.linux.ts';
import type { OutputStream } from '../live-output.ts';

export type ScriptClaims = z.infer<typeof scriptClaims>;

/** What the agent can prove of a command's content, beyond the command's own signature. */
export interface Trust {
  /** The claims of a script that the engine signed. Errors: INVALID_SIGNATURE, SCHEMA_MISMATCH. */
  script(signature: string): ScriptClaims;
}

export interface VerbContext {
  readonly context: AgentContext;
  /** Aborted when the time is over, an operator cancels or the agent stops: the verb then ends soon. */
  readonly signal: AbortSignal;
  /** Milliseconds that it may run. */
  readonly timeoutMs: number;
  readonly output: (stream: OutputStream, chunk: Buffer) => void;
  /** Whole environment of child processes, and where they start. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** A private directory (0700) for the bodies of scripts. */
  readonly scriptDirectory: string;
  /** Where process groups are noted while they run. */
  readonly groups: GroupRegister;
}

export interface Outcome {
  readonly exitCode: number | null;
  /** JSON, for verbs that answer with data. */
  readonly value?: z.core.util.JSONType;
  readonly failure?: { readonly code: ErrorCode | null; readonly message: string };
}

/** A command whose arguments have been accepted, ready to run. */
export type Bound = (context: VerbContext) => Promise<Outcome>;

export interface Verb {
  readonly name: string;
  /** Checks everything that can be checked before running. Errors: VALIDATION_FAILED, those of `Trust`. */
  bind(args: unknown, trust: Trust): Bound;
}

export interface VerbDefinition<S extends z.ZodType> {
  readonly name: string;
  readonly args: S;
  /** Throws what makes the command unfit to run. */
  readonly check?: (args: z.output<S>, trust: Trust) => void;
  readonly run: (args: z.output<S>, context: VerbContext) => Promise<Outcome>;
}

export const defineVerb = <S extends z.ZodType>({ name, args, check, run }: VerbDefinition<S>): Verb => ({
  name,
  bind(given, trust) {
    const parsed = args.safeParse(given);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
      throw new BorealisError('VALIDATION_FAILED', { detail: `${where}${issue?.message ?? 'not valid'}.` });
    }
    check?.(parsed.data, trust);
    return (context) => run(parsed.data, context);
  },
});
