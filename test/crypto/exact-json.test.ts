import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isExactObject, parseExactJson, parseExactObject } from '../../src/crypto/exact-json.ts';

const parse = (text: string): unknown => parseExactJson(Buffer.from(text));

it('reads whatever JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parse(text))).toBe(text);
    }),
  );
});

test.each([
  ['a duplicate key', '{"uid":1000,"uid":0}'],
  ['a duplicate key deep inside', '[{"a":{"b":1,"c":2,"b":3}}]'],
  ['a duplicate key spelt with an escape', '{"uid":1000,"\\u0075id":0}'],
  ['white space', '{"a": 1}'],
  ['a line end after it', '{"a":1}\n'],
  ['a needless escape', '"\\u0041"'],
  ['a number that is rounded', '9007199254740993'],
  ['a number that overflows', '1e400'],
  ['another spelling of a number', '1.0'],
  ['minus zero', '-0'],
  ['two values', '1 2'],
  ['no value', ''],
  ['a trailing comma', '[1,]'],
  ['a byte order mark', '\ufeff{}'],
])('refuses %s', (_name, text) => {
  expect(parse(text)).toBeUndefined();
});

it('refuses invalid UTF-8', () => {
  expect(parseExactJson(Buffer.from('22ff22', 'hex'))).toBeUndefined();
  expect(parseExactJson(Buffer.from('22eda08022', 'hex'))).toBeUndefined(); // a surrogate in UTF-8
  expect(parseExactJson(Buffer.from('22c08022', 'hex'))).toBeUndefined(); // an overlong NUL
});

it('survives nesting beyond any stack', () => {
  expect(parse('['.repeat(1_000_000) + ']'.repeat(1_000_000))).toBeUndefined();
});

describe('exact objects', () => {
  it('have all required keys and none besides the optional ones', () => {
    const take = (text: string) => parseExactObject(Buffer.from(text), ['a'], ['b']);
    expect(take('{"a":1}')).toEqual({ a: 1 });
    expect(take('{"a":1,"b":2}')).toEqual({ a: 1, b: 2 });
    for (const wrong of [
      '{}',
      '{"b":2}',
      '{"a":1,"c":3}',
      '[]',
      'null',
      '1',
      '"a"',
      '{"a":1,"__proto__":{}}',
    ])
      expect(take(wrong)).toBeUndefined();
  });

  it('do not inherit a required key', () => {
    expect(isExactObject(Object.create({ a: 1 }), ['a'])).toBe(false);
    expect(parseExactObject(Buffer.from('{}'), ['toString'])).toBeUndefined();
  });
});
