/**
 * JSON that can be read in one way only. Signed JSON is dangerous where two readers may see two things: a key given
 * twice, a number that one of them rounds, a lone surrogate. So a text is taken only when it is, byte for byte, what
 * `JSON.stringify` writes for the value that was read. That refuses duplicate keys, white space, needless escapes,
 * numbers that a double does not hold and invalid UTF-8, in two native passes.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The value, or undefined when the bytes are not such a text. (JSON has no `undefined`, so that is unambiguous.) */
export function parseExactJson(bytes: Uint8Array): unknown {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined; // invalid UTF-8, invalid JSON, or nested beyond the stack: all the same to the caller
  }
}

/** The same, and a plain object with exactly the `required` keys, and perhaps some of the `optional`. */
export function parseExactObject(
  bytes: Uint8Array,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> | undefined {
  const value = parseExactJson(bytes);
  return isExactObject(value, required, optional) ? value : undefined;
}

export function isExactObject(
  value: unknown,
  required: readonly string[],
  optional: readonly string[] = [],
): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return (
    required.every((key) => Object.hasOwn(value, key)) &&
    keys.every((key) => required.includes(key) || optional.includes(key))
  );
}
