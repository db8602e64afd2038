import { expect, test } from 'vitest';
import { Field } from '../../../src/tui/app/field.ts';

test('a family is one letter to the caret, as to a person', () => {
  const field = new Field('a👩‍👩‍👧b');
  field.key('left', '');
  field.key('backspace', '');
  expect(field.value).toBe('ab');
});

test('the keys of a shell', () => {
  const field = new Field('run web-1 uptime');
  field.key('ctrl-w', '');
  expect(field.value).toBe('run web-1 ');
  field.key('ctrl-a', '');
  field.key('x', 'x');
  expect(field.value).toBe('xrun web-1 ');
  field.key('ctrl-k', '');
  expect(field.value).toBe('x');
  expect(field.key('up', '')).toBe(false);
});

test('pasted lines become one', () => {
  const field = new Field();
  field.insert('a\r\nb\nc');
  expect(field.value).toBe('a b c');
});
