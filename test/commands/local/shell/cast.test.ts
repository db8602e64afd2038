import { describe, expect, test } from 'vitest';
import { type CastEvent, readCast } from '../../../../src/commands/local/shell/cast.ts';

const HEADER = '{"version":2,"width":80,"height":24,"title":"web1","timestamp":1}\n';

/** In pieces of so many bytes. */
async function* cut(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = async (text: string, size = 7) => {
  const { header, events } = await readCast(cut(text, size));
  const all: CastEvent[] = [];
  for await (const event of events) all.push(event);
  return { header, events: all };
};

test.each([1, 2, 5, 10_000])('is the same in pieces of %i bytes', async (size) => {
  const text = `${HEADER}[0.5,"o","Grüße \u2028 🙂\\r\\n"]\n[1,"i","x"]\n\n[2,"r","100x30"]\n[3,"m",""]\n[4,"z","?"]\n`;
  expect(await read(text, size)).toEqual({
    header: { cols: 80, rows: 24, title: 'web1' },
    events: [
      { at: 0.5, type: 'output', data: 'Grüße \u2028 🙂\r\n' },
      { at: 1, type: 'input', data: 'x' },
      { at: 2, type: 'resized', data: '100x30' },
      { at: 3, type: 'marker', data: '' },
    ],
  });
});

describe('is refused', () => {
  test.each(['', '{"version":1,"width":80}\n', 'hello\n', `${HEADER}[0.5,"o"\n`])('%j', async (text) =>
    expect(read(text)).rejects.toMatchObject({ code: 'RECORDING_DAMAGED' }),
  );
});
