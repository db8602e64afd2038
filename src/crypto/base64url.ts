/** Base64url without padding (RFC 4648 §5, RFC 7515 §2), refusing every spelling but the canonical one. */

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * The bytes, or undefined when the text is not the one canonical spelling: padding, `+`, `/`, white space, foreign
 * characters and non-zero trailing bits are all refused. `length` demands that many bytes exactly.
 */
export function decodeBase64url(text: string, length?: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (length !== undefined && bytes.length !== length) return undefined;
  // Node decodes leniently, so the way back is the check: only the canonical spelling survives it.
  return bytes.toString('base64url') === text ? bytes : undefined;
}
