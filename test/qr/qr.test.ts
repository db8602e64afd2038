/** QR codes as letters and as a picture, read back by zbarimg: another program, as a phone would be. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { halfBlocks, sextants } from '../../src/qr/blocks.ts';
import { QR_MAX_BYTES, qrModules } from '../../src/qr/matrix.ts';
import { qrPng } from '../../src/qr/png.ts';
import { DARK, picture } from '../lab/picture.ts';
import { requires } from '../require.ts';

const files = mkdtempSync(join(tmpdir(), 'borealis-qr-'));
afterAll(() => rmSync(files, { recursive: true }));

const read = (name: string, image: Buffer): string => {
  const file = join(files, name);
  writeFileSync(file, image);
  return spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).stdout.trimEnd();
};
const text = (bytes: number): string => 'Key=a+/0,'.repeat(bytes).slice(0, bytes);

describe('read back', requires('zbarimg'), () => {
  test.each([1, 40, 241, 367, 1_000, QR_MAX_BYTES])('a picture of %i bytes', (bytes) => {
    expect(read('code.png', qrPng(qrModules(text(bytes))))).toBe(text(bytes));
  });

  test.each([
    ['half blocks', halfBlocks, 120],
    ['half blocks', halfBlocks, 700],
    ['sextants', sextants, 20],
    ['sextants', sextants, 241],
    ['sextants', sextants, 367],
    ['sextants', sextants, 1_000],
  ])('%s', async (_, draw, bytes) => {
    const lines = draw(qrModules(text(bytes)));
    const size = { cols: [...(lines[0] as string)].length + 4, rows: lines.length + 1 };
    const screen = lines.map((line) => `\u001b[38;5;231;48;5;16m${line}\u001b[0m\r\n`).join('');
    expect(read('screen.ppm', await picture(screen, size, DARK))).toBe(text(bytes));
  });
});

test('a client’s configuration of the usual length fits 80 × 24 in sextants', () => {
  const lines = sextants(qrModules(text(367)));
  expect(lines.length).toBeLessThan(24);
  expect([...(lines[0] as string)].length).toBeLessThanOrEqual(80);
});

test('a picture is black and white, a bit a point', () => {
  const png = qrPng(qrModules('x'));
  const side = (21 + 8) * 8;
  expect(png.subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([side, side, 1, 0]);
  const at = png.indexOf('IDAT');
  expect(inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)))).toHaveLength(
    side * (side / 8 + 1),
  );
});

test.each([text(QR_MAX_BYTES + 1), 'Ω'])('what it cannot hold is refused', (given) => {
  expect(() => qrModules(given)).toThrow(RangeError);
});
