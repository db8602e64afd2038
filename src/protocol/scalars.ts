/** The small shapes that every noun uses. Sizes are bytes; durations seconds unless the name ends in `_ms`. */
import { z } from 'zod';

/** RFC 3339, UTC, milliseconds: what Date.prototype.toISOString writes. */
export const timestamp = z.iso.datetime({ precision: 3 });
export const guid = z.guid();
/** A device as operators type it: name, GUID, or a unique prefix of either. */
export const deviceRef = z.string().min(1).max(253);
/**
 * Names of things that operators choose. Wide enough for any script, free of control characters and of letters that
 * show nothing (fillers, the empty braille pattern): `web-1` and another `web-1` must not be two.
 */
export const label = z
  .string()
  .min(1)
  .max(128)
  .regex(
    /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]+$/u,
    'characters that control or show nothing are not allowed',
  )
  .refine((text) => text.trim() === text, 'no white space at either end');
/** What a machine says of itself: nothing that controls a terminal, or that nobody sees. */
export const machineText = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+$/u);
export const site = label.max(64);
export const tagKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a tag key is lower-case letters, digits, . _ -');
export const tags = z.record(tagKey, label);
/** 32 bytes as base64url without padding: Ed25519 public keys and SHA-256 values. */
export const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** An Ed25519 signature as base64url. */
export const bytes64 = z.string().regex(/^[A-Za-z0-9_-]{86}$/);
export const agentContext = z.enum(['system', 'user']);
export type AgentContext = z.infer<typeof agentContext>;
export const role = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof role>;

/** Query parameters arrive as text: a number, a switch, one or many. */
export const queryInteger = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
export const querySwitch = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])])
  .transform((value) => value === true || value === 'true' || value === '1');
/** At most so many: each may become a condition of a query. */
const MANY = 64;
export const queryMany = <T extends z.ZodType>(item: T) =>
  z.union([z.array(item).max(MANY), item.transform((one: z.output<T>) => [one])]);

export const pageQuery = {
  /** Opaque; from the `next_cursor` of the page before. */
  cursor: z.string().max(512).optional(),
  limit: queryInteger(1, 10_000).default(1_000),
};
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() });
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
export const nothing = z.strictObject({});
