/** What the operands of `cp` mean, and what is said where they mean nothing. */
import { describe, expect, test } from 'vitest';
import { planCopy } from '../../../../src/commands/local/copy/endpoints.ts';
import { sourceName } from '../../../../src/copy/source.ts';

describe('operands', () => {
  test.each([
    [['a', 'web-1:/srv'], { direction: 'to_device', sources: ['a'], to: { device: 'web-1', path: '/srv' } }],
    [['a', './b:c', 'web-1:'], { sources: ['a', './b:c'], to: { device: 'web-1', path: '.' } }],
    [['/a:b', 'web-1:x:y'], { sources: ['/a:b'], to: { device: 'web-1', path: 'x:y' } }],
    [['web-1:~/a', '.'], { direction: 'from_device', sources: [{ device: 'web-1', path: '~/a' }], to: '.' }],
    [['web-1:/a', 'db-1:/b', 'here/'], { sources: [{ device: 'web-1' }, { device: 'db-1' }], to: 'here/' }],
    [['web-1:line\nfeed', '.'], { sources: [{ device: 'web-1', path: 'line\nfeed' }] }],
  ])('%j', (operands, plan) => expect(planCopy(operands)).toMatchObject(plan));

  test.each([
    [['a'], /both needed/],
    [[], /both needed/],
    [['a', 'b'], /on a device/],
    [['web-1:/a', 'db-1:/b'], /Both ends/],
    [['a', 'web-1:/b', 'c'], /Some of the sources/],
    [['a', ''], /empty/],
    [[...Array(1_001).fill('a'), 'web-1:'], /more than 1000/],
  ])('%j is refused', (operands, said) => {
    expect(() => planCopy(operands)).toThrow(
      expect.objectContaining({ code: 'USAGE', detail: expect.stringMatching(said) }),
    );
  });

  test.each([
    ['/srv/site', 'site'],
    ['/srv/site/', 'site'],
    ['site', 'site'],
    ['.', ''],
    ['a/..', ''],
    ['~', ''],
    ['~/', ''],
    ['a/~', '~'],
    ['/', ''],
    ['~/x', 'x'],
  ])('%s is called “%s”', (path, name) => expect(sourceName(path)).toBe(name));
});
