import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CappedOutput } from '../../src/agent/output.ts';

const written = (cap: number, chunks: readonly Uint8Array[]): CappedOutput => {
  const output = new CappedOutput(cap);
  for (const chunk of chunks) output.write(chunk);
  return output;
};
const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 });
const marker = /\n\[(\d+) bytes left out\]\n/;

describe('CappedOutput', () => {
  it('keeps all of what fits', () => {
    fc.assert(
      fc.property(chunks, (given) => {
        const all = Buffer.concat(given);
        expect(written(10_000, given).text()).toEqual({ text: all.toString('utf8'), truncated: false });
      }),
    );
  });

  it('keeps head and tail of what does not, and says how much is missing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.array(fc.stringMatching(/^[a-z]{0,80}$/)),
        (cap, given) => {
          const all = given.join('');
          fc.pre(all.length > cap);
          const { text, truncated } = written(
            cap,
            given.map((one) => Buffer.from(one)),
          ).text();
          expect(truncated).toBe(true);
          const [head = '', left, tail = ''] = text.split(marker);
          expect(head).toBe(all.slice(0, Math.floor(cap / 2)));
          // An odd cap gives its odd byte to the tail, which `text` takes in equal halves.
          expect(all.endsWith(tail)).toBe(true);
          expect(head.length + Number(left) + tail.length).toBe(all.length);
        },
      ),
    );
  });

  it('cuts no character in two', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 40, maxLength: 400 }),
        fc.integer({ min: 8, max: 39 }),
        (text, cap) => {
          const bytes = Buffer.from(text);
          const result = written(cap, [bytes.subarray(0, 3), bytes.subarray(3)]).text();
          expect(result.text).not.toContain('\ufffd');
        },
      ),
    );
  });

  it('keeps a long line of zeros without growing', () => {
    const output = new CappedOutput(1_024);
    const chunk = Buffer.alloc(65_536);
    for (let i = 0; i < 1_000; i++) output.write(chunk);
    expect(output.total).toBe(65_536_000);
    expect(Buffer.byteLength(output.text().text)).toBeLessThan(1_100);
  });

  it('gives less when less is asked for', () => {
    const output = written(10_000, [Buffer.from('x'.repeat(9_000))]);
    const { text, truncated } = output.text(100);
    expect(truncated).toBe(true);
    expect(text.replace(marker, '')).toBe('x'.repeat(100));
  });
});
