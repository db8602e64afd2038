import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  formatLink,
  hashCode,
  newEnrolmentCode,
  normaliseCode,
  parseLink,
} from '../../src/crypto/secret-code.ts';
import { BorealisError } from '../../src/protocol/errors.ts';

const pin = Buffer.alloc(32, 200).toString('base64url');
const code = '7M3K2-ABCDE-FGHJK-01234';
const link = `borealis://engine.example:8443/?code=${code}&pin=${pin}`;

function failure(attempt: () => unknown): { code: string; detail: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof BorealisError) return { code: error.code, detail: error.detail ?? '' };
    throw error;
  }
  return { code: 'accepted', detail: '' };
}

describe('an enrolment code', () => {
  it('has 20 symbols of Crockford base 32 in four groups', () => {
    const codes = Array.from({ length: 200 }, newEnrolmentCode);
    for (const one of codes) {
      expect(one).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}$/);
      expect(normaliseCode(one)).toBe(one);
    }
    expect(new Set(codes).size).toBe(200);
    // 4,000 even draws miss one of 32 symbols once in 10^54 runs.
    expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32);
  });

  test.each([
    code.toLowerCase(),
    code.replaceAll('-', ''),
    code.replaceAll('-', ' '),
    ` ${code}\n`,
    '7m3k2abcdefghjk0i234',
    '7M3K2-ABCDE-FGHJK-OL234',
  ])('is understood as typed: %j', (typed) => {
    expect(normaliseCode(typed)).toBe(code);
    expect(hashCode(typed)).toBe(hashCode(code));
  });

  it('is kept as the SHA-256 of its written form', () => {
    expect(hashCode(code)).toBe(createHash('sha256').update(code).digest('base64url'));
  });

  test.each([
    '',
    '-',
    '7M3K2',
    `${code}0`,
    code.slice(1),
    '7M3K2-ABCDE-FGHJK-0123U',
    '7M3K2-ABCDE-FGHJK-0123é',
    '7M3K2-ABCDE-FGHJK-0123😀',
  ])('is refused: %j', (wrong) => {
    expect(failure(() => normaliseCode(wrong)).code).toBe('CODE_INVALID');
    expect(failure(() => hashCode(wrong)).code).toBe('CODE_INVALID');
  });

  it('either is refused or has one spelling, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (typed) => {
        if (failure(() => normaliseCode(typed)).code !== 'accepted') return;
        expect(normaliseCode(normaliseCode(typed))).toBe(normaliseCode(typed));
      }),
    );
  });
});

describe('a link', () => {
  const hosts = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('localhost', 'engine', '::1', 'fe80::1'),
  );

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        const parts = { host, port, code: newEnrolmentCode(), pin };
        expect(parseLink(formatLink(parts))).toEqual(parts);
      }),
    );
  });

  it('looks as the manual says', () => {
    expect(formatLink({ host: 'engine.example', port: 8443, code, pin })).toBe(link);
    expect(formatLink({ host: '2001:db8::1', port: 8443, code, pin })).toBe(
      `borealis://[2001:db8::1]:8443/?code=${code}&pin=${pin}`,
    );
  });

  test.each([
    link,
    ` ${link}\n`,
    link.replace('borealis', 'BOREALIS'),
    link.replace('/?', '?'),
    link.replace(':8443', ''),
    link.replace(code, code.toLowerCase()),
    `borealis://engine.example:8443/?pin=${pin}&code=${code}`,
  ])('is understood: %j', (text) => {
    expect(parseLink(text)).toEqual({ host: 'engine.example', port: 8443, code, pin });
  });

  test.each([
    ['', 'borealis://'],
    ['https://engine.example/', 'borealis://'],
    [link.replace('borealis:', 'borealis'), 'borealis://'],
    [link.replace('engine.example', ''), 'host is missing'],
    [link.replace('engine.example', 'user@engine.example'), 'user name'],
    [link.replace('engine.example', 'engine example'), 'neither a name nor an IP'],
    [link.replace('engine.example', '-engine'), 'neither a name nor an IP'],
    [link.replace('engine.example', 'engine..example'), 'neither a name nor an IP'],
    [link.replace('engine.example', '[fe80::1%eth0]'), 'neither a name nor an IP'],
    [link.replace('engine.example', '[engine]'), 'neither a name nor an IP'],
    [link.replace('engine.example', '[10.0.0.1]'), 'neither a name nor an IP'],
    [link.replace('engine.example', '2001:db8::1'), 'in brackets'],
    [link.replace(':8443', ':'), 'port'],
    [link.replace(':8443', ':0'), 'port'],
    [link.replace(':8443', ':65536'), 'port'],
    [link.replace(':8443', ':99999999999999999999'), 'port'],
    [link.replace(':8443', ':84e2'), 'cannot be read'],
    [link.replace('/?', '/path?'), 'only ?code='],
    [`${link}#top`, 'only ?code='],
    ['borealis://engine.example:8443/', 'code is missing'],
    [`borealis://engine.example:8443/?pin=${pin}`, 'code is missing'],
    [`borealis://engine.example:8443/?code=&pin=${pin}`, 'code is missing'],
    [`borealis://engine.example:8443/?code=${code}`, 'in quotes'],
    [`borealis://engine.example:8443/?code=${code}&pin=`, 'in quotes'],
    [link.slice(0, -1), 'pin is damaged'],
    [`${link}=`, 'pin is damaged'],
    [link.replace(code, code.slice(1)), '19'],
    [link.replace(code, code.replace('A', 'U')), 'no U'],
    [`${link}&code=${code}`, 'more than one code'],
    [`${link}&pin=${pin}`, 'more than one pin'],
    [`${link}&site=home`, 'other than code and pin'],
    [`${link}&CODE=${code}`, 'other than code and pin'],
    [`${link}&${'x'.repeat(2000)}`, 'too long'],
  ])('is refused, and it is said why: %j', (text, why) => {
    const { code: reason, detail } = failure(() => parseLink(text));
    expect(reason).toBe('LINK_INVALID');
    expect(detail).toContain(why);
    expect(detail).not.toContain(code);
  });

  it('is not written when it could not be read', () => {
    const parts = { host: 'engine', port: 8443, code, pin };
    for (const wrong of [
      { host: 'a b' },
      { host: 'x/?code=1' },
      { port: 0 },
      { port: 1.5 },
      { code: 'x' },
      { pin: 'x' },
    ])
      expect(failure(() => formatLink({ ...parts, ...wrong })).code).toBe('LINK_INVALID');
  });

  it('is either refused or understood, whatever is given', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string().map((text) => `borealis://${text}`),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(any, (text) => {
        expect(['LINK_INVALID', 'accepted']).toContain(failure(() => parseLink(text)).code);
      }),
    );
  });
});
