/** Frames of agents, whole, mutated, and what is none at all. */
import fc from 'fast-check';

const corrId = fc.stringMatching(/^[A-Za-z0-9_-]{16,64}$/);
const at = fc.constant('2026-01-01T00:00:00.000Z');
const size = fc.nat();
const sample = fc.record({
  at,
  cpu_percent: fc.double({ min: 0, max: 100, noNaN: true }),
  load_1m: fc.constant(null),
  memory_used_bytes: size,
  memory_total_bytes: size,
  swap_used_bytes: fc.option(size),
  disk_used_bytes: fc.option(size),
  disk_total_bytes: fc.option(size),
  network_rx_bytes_per_s: fc.constant(null),
  network_tx_bytes_per_s: fc.constant(null),
  uptime_seconds: size,
  processes: fc.option(size),
});
/** Of the protocol's form, mostly. */
export const frame: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({ type: fc.constant('PING'), t: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  fc.record({ type: fc.constant('ACCEPTED'), corr_id: corrId }),
  fc.record({ type: fc.constant('RESULT'), corr_id: corrId, envelope: fc.string() }),
  fc.record({
    type: fc.constant('OUTPUT'),
    corr_id: corrId,
    seq: fc.nat(),
    stream: fc.constantFrom('stdout', 'stderr'),
    data: fc.string({ unit: 'binary', maxLength: 2_000 }),
  }),
  fc.record({ type: fc.constant('TELEMETRY'), sample }),
  fc.record({
    type: fc.constant('EVENT'),
    kind: fc.constantFrom('notice', 'started', 'stopping', 'signature_refused'),
    message: fc.string({ unit: 'binary', maxLength: 100 }),
    corr_id: fc.constant(null),
  }),
  fc.record({ type: fc.constantFrom('HELLO', 'INVENTORY', 'WELCOME', 'COMMAND', '__proto__') }),
);
/** A frame with one thing wrong: a key gone, one too many, a value of another kind, letters changed, the end cut off. */
const mutated = fc.tuple(frame, fc.nat(), fc.nat(5), fc.jsonValue()).map(([whole, where, how, value]) => {
  const keys = Object.keys(whole);
  const key = keys[where % keys.length]!;
  const text = JSON.stringify(whole);
  const index = where % text.length;
  if (how === 0) return JSON.stringify({ ...whole, [key]: undefined });
  if (how === 1) return JSON.stringify({ ...whole, [`${key}_`]: value });
  if (how === 2) return JSON.stringify({ ...whole, [key]: value });
  if (how === 3) return text.slice(0, index);
  if (how === 4)
    return `${text.slice(0, index)}${String.fromCharCode(where % 0xd800)}${text.slice(index + 1)}`;
  return text;
});
/** Whatever somebody at the other end of a channel may say. */
export const said: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 8, arbitrary: mutated },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)) },
);
