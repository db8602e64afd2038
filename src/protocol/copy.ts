/**
 * Copying files to and from devices, through their tunnels.
 *
 * Spoken on a connection to the agent's port after a token of purpose `copy`, in its frames. One side sends, the other
 * receives; kinds are those of COPY plus TO_AGENT_COPY or FROM_AGENT_COPY. The sender says BEGIN, then what there is in
 * batches of ENTRIES, in the order of the tree and counted from 0. The receiver answers each batch with one HAVE: up to
 * where it has looked, what it wants nothing of, and of which files it has how much, with the SHA-256 of that. The
 * sender compares: equal and whole is SKIP, equal and not whole is START at that offset, everything else begins at 0.
 * Nothing waits for an answer but the first byte. END follows the last file, DONE what became of it all.
 */
import { z } from 'zod';
import { copyPath } from './agent-port.ts';
import { operation } from './operation.ts';
import { deviceRef } from './scalars.ts';

export const copyOperations = {
  /**
   * While the stream is open, processes of the caller's user may reach the agent's port. One message, when packets pass;
   * its token opens one connection, for the next the caller asks anew. It ends when the tunnel does.
   */
  'copy.open': operation({
    method: 'GET',
    path: '/copies/{device}',
    transport: 'stream',
    role: 'operator',
    summary: 'Open the way for one copy to or from a device.',
    /** Files are what it is for: it is audited like any change. */
    changes: true,
    input: z.strictObject({
      device: deviceRef,
      direction: z.enum(['to_device', 'from_device']),
      path: copyPath,
    }),
    output: z.strictObject({
      /** Name of the device. */
      device: z.string(),
      guid: z.string(),
      address: z.string(),
      port: z.number().int(),
      token: z.string(),
    }),
  }),
};
export type CopyDirection = 'to_device' | 'from_device';

export const COPY_VERSION = 1;
export const TO_AGENT_COPY = 16;
export const FROM_AGENT_COPY = 80;

export const COPY = {
  /** Sender: copyBegin; first of all. */
  BEGIN: 0,
  /** Sender: copyEntries. */
  ENTRIES: 1,
  /** Sender: 4 bytes index, 32 bytes SHA-256, the content: a file of at most COPY_WHOLE_MAX. */
  WHOLE: 2,
  /** Sender: 4 bytes index, 8 bytes offset: a larger file; CHUNK frames and one FINISH or GIVE_UP follow. */
  START: 3,
  /** Sender: content, in its order. */
  CHUNK: 4,
  /** Sender: 32 bytes SHA-256 of the whole file. */
  FINISH: 5,
  /** Sender: 4 bytes index: the receiver has that file already. */
  SKIP: 6,
  /** Sender: {index, message}: that file cannot be read to its end, or at all. */
  GIVE_UP: 7,
  /** Sender: {problems}: what is not among the entries, and why. */
  PROBLEMS: 8,
  /** Sender: {}: that was all. */
  END: 9,
  /** Receiver: {until, unwanted, have}. */
  HAVE: 10,
  /** Receiver: {done, failed}. */
  RESULTS: 11,
  /** Receiver: {}: everything is in its place. The connection ends. */
  DONE: 12,
  /** Both: {}: each COPY_ALIVE_MS, whatever else is said. */
  ALIVE: 13,
  /** Both: copyRefusal: it does not begin, or does not go on. The connection ends. */
  REFUSED: 14,
} as const;

/** Larger files are streamed, and go on where they stopped. */
export const COPY_WHOLE_MAX = 262_144;
export const COPY_CHUNK_BYTES = 524_288;
export const COPY_ALIVE_MS = 5_000;
/** A side that was silent for so long is gone. */
export const COPY_SILENCE_MS = 20_000;
/** A file that is not whole yet: this and 16 hexadecimal digits, beside the place where it will be. */
export const COPY_PART_PREFIX = '.borealis-part-';

const sha256 = z.string().length(43);
const index = z.number().int().min(0).max(0xffff_ffff);
/** Permissions alone: what set-user-ID and its like mean depends on the owner, who is another there. */
const mode = z.number().int().min(0).max(0o777);
/** Milliseconds since 1970; files of before that exist. */
const mtime = z.number().int().min(-8_640_000_000_000_000).max(8_640_000_000_000_000);
/** Below its source, joined by `/`; empty for the source itself. */
const place = { source: z.number().int().min(0).max(65_535), path: z.string().max(4_096) };

export const copyEntry = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('directory'), ...place, mode, mtime }),
  z.strictObject({
    kind: z.literal('file'),
    ...place,
    mode,
    mtime,
    size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  }),
  z.strictObject({ kind: z.literal('link'), ...place, mtime, target: z.string().min(1).max(4_096) }),
]);
export type CopyEntry = z.infer<typeof copyEntry>;
export type CopyFile = Extract<CopyEntry, { kind: 'file' }>;

export const copyBegin = z.strictObject({
  version: z.literal(COPY_VERSION),
  /** `name`: under which it goes into a directory; empty: its content goes there. The operator's side trusts its own. */
  sources: z
    .array(z.strictObject({ name: z.string().max(255), directory: z.boolean() }))
    .min(1)
    .max(65_536),
  /** What an earlier connection of the same copy was told; null on the first. */
  into: z.boolean().nullable(),
});
export type CopyBegin = z.infer<typeof copyBegin>;
export const copyEntries = z.strictObject({ entries: z.array(copyEntry).max(4_096), last: z.boolean() });
export const copyHave = z.strictObject({
  /** Entries before this one are answered. */
  until: index,
  unwanted: z.array(index),
  /** `hash`: base64url SHA-256 of the first `offset` bytes. */
  have: z.array(z.strictObject({ index, offset: z.number().int().min(0), hash: sha256 })),
  /** Whether the sources go into the destination, or one of them becomes it. */
  into: z.boolean(),
});
export type CopyHave = z.infer<typeof copyHave>;
export const copyProblem = z.strictObject({
  path: z.string(),
  message: z.string(),
  /** Left out on purpose, which is no failure: a device file, a link that leads out. */
  left_out: z.boolean(),
});
export type CopyProblem = z.infer<typeof copyProblem>;
export const copyProblems = z.strictObject({ problems: z.array(copyProblem) });
export const copyGiveUp = z.strictObject({ index, message: z.string() });
export const copyResults = z.strictObject({
  done: z.array(index),
  failed: z.array(z.strictObject({ index, message: z.string(), left_out: z.boolean() })),
});
export type CopyResults = z.infer<typeof copyResults>;
export const copyRefusal = z.strictObject({ code: z.string(), message: z.string(), next: z.string() });
export const copyNothing = z.strictObject({});
