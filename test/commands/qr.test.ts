/** The QR code on a screen, read back by zbarimg: another program, as a phone would be. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DARK, LIGHT, picture } from '../lab/picture.ts';
import { Place } from '../lab/processes.ts';
import { Terminal } from '../lab/terminal.ts';
import { requires } from '../require.ts';

const place = new Place();
const files = mkdtempSync(join(tmpdir(), 'borealis-qr-'));
beforeAll(() => place.startEngine());
afterAll(async () => {
  rmSync(files, { recursive: true });
  await place.dispose();
});

const shown = async (columns: number, rows: number, env: Record<string, string> = {}): Promise<Terminal> => {
  const terminal = new Terminal({
    args: ['code', 'create', '--qr', '--address', 'engine.example.org:8443'],
    columns,
    rows,
    env: { BOREALIS_SOCKET: place.socket, ...env },
  });
  await terminal.ended;
  return terminal;
};

const read = (image: Buffer): string => {
  const file = join(files, 'screen.ppm');
  writeFileSync(file, image);
  return spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).stdout.trim();
};

describe('the enrolment link as a QR code', requires('zbarimg'), () => {
  test.each([
    ['a dark', DARK, 80, 24],
    ['a light', LIGHT, 80, 24],
    ['a dark, wide', DARK, 120, 40],
  ])('is read from %s screen', async (_, colours, cols, rows) => {
    const { written, text } = await shown(cols, rows);
    const link = /borealis:\/\/\S+/.exec(text)?.[0];
    expect(link).toContain('pin=');
    expect(text).not.toContain('Warning');
    expect(read(await picture(written, { cols, rows }, colours))).toBe(link);
  });

  test('is read without colours from a dark screen', async () => {
    const { written, text } = await shown(80, 24, { NO_COLOR: '1' });
    expect(read(await picture(written, { cols: 80, rows: 24 }, DARK))).toBe(
      /borealis:\/\/\S+/.exec(text)?.[0],
    );
  });

  test('says how large the terminal must be where it is too small', async () => {
    const { text } = await shown(40, 20);
    expect(text).toMatch(/takes 4\d × 2\d characters, and this terminal has 40 × 20/);
  });
});
