import { expect, test } from 'vitest';
import type { Toast } from '../../../src/tui/app/toasts.ts';
import { toastLines } from '../../../src/tui/components/chrome.ts';

const shown = (toasts: Omit<Toast, 'until'>[], columns = 80, rows = 24): string[] =>
  toastLines(
    toasts.map((toast) => ({ ...toast, until: 1 })),
    columns,
    rows,
  ).map((pieces) => pieces.map(({ text }) => text).join(''));

const failed = (text: string): Omit<Toast, 'until'> => ({
  ...{ kind: 'failed', code: 'TUNNEL_UNSUPPORTED', text, next: 'Install wireguard-tools there.' },
});

test('a failure is told to its end: the next step too', () => {
  const lines = shown([failed('The agent of that device cannot make a tunnel. '.repeat(3).trim())]);
  expect(lines[0]).toMatch(/^ ✗ TUNNEL_UNSUPPORTED The agent /);
  expect(lines.join(' ')).toContain('Install wireguard-tools there.');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test('what is longer than anybody reads is cut, and says so', () => {
  const lines = shown([failed('words '.repeat(500))]);
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toMatch(/…$/);
});

test('older ones give way where there is not room for all', () => {
  const lines = shown([
    failed('old '.repeat(200)),
    failed('mid '.repeat(120)),
    { kind: 'done', text: 'New.' },
  ]);
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(lines.at(-1)).toBe(' ✓ New.');
  expect(lines.join(' ')).not.toContain('old');
});
