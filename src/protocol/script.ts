/** Scripts stored with the engine: hashed, signed, run by name. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { nothing, timestamp } from './scalars.ts';

export const scriptLanguage = z.enum(['shell', 'python', 'node', 'powershell']);
export type ScriptLanguage = z.infer<typeof scriptLanguage>;
export const scriptName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, . _ - only');
/** 512 KiB: a script and its envelope fit one channel frame. */
export const SCRIPT_MAX_BYTES = 524_288;

export const script = z.strictObject({
  name: scriptName,
  language: scriptLanguage,
  /** SHA-256 of the body, hex. */
  sha256: z.string(),
  size: z.number().int(),
  description: z.string().nullable(),
  added_by: z.string(),
  added_at: timestamp,
  /** Compact JWS by the engine's signing key over name, language and sha256. */
  signature: z.string(),
});
export type Script = z.infer<typeof script>;
export const scriptWithBody = script.extend({ body: z.string() });

const ref = z.strictObject({ script: scriptName });

export const scriptOperations = {
  'script.add': operation({
    method: 'POST',
    path: '/scripts',
    role: 'operator',
    summary: 'Store and sign a script.',
    input: z.strictObject({
      name: scriptName,
      language: scriptLanguage,
      body: z.string().min(1).max(SCRIPT_MAX_BYTES),
      description: z.string().max(512).optional(),
      /** Take the place of a script of the same name and other content. */
      replace: z.boolean().default(false),
    }),
    output: script,
  }),
  'script.list': operation({
    method: 'GET',
    path: '/scripts',
    role: 'viewer',
    summary: 'List scripts, by name.',
    input: nothing,
    output: z.array(script),
  }),
  'script.show': operation({
    method: 'GET',
    path: '/scripts/{script}',
    role: 'viewer',
    summary: 'Show a script with its body.',
    input: ref,
    output: scriptWithBody,
  }),
  'script.remove': operation({
    method: 'DELETE',
    path: '/scripts/{script}',
    role: 'operator',
    summary: 'Forget a script.',
    input: ref,
    output: nothing,
  }),
};
