import { describe, expect, test } from 'vitest';
import { beginHandshake } from '../../src/wg/handshake.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import { answerTo } from './handshake-answer.ts';

const own = generateKeyPair();
const engine = generateKeyPair();
const begin = (peer = engine.publicKey, sender = 0xfedc_ba98) => {
  const now = 1_790_000_000_123;
  const { initiation, finish } = beginHandshake({ privateKey: own.privateKey, peer, sender, now });
  return { initiation, isAnswer: (packet: Buffer) => finish(packet) !== undefined };
};
const answered = (initiation: Buffer, by = engine) =>
  answerTo(initiation, by.privateKey, (key) => key === own.publicKey);

describe('an initiation', () => {
  test('is answered by whoever has the key, and the answer is known for one', () => {
    const { initiation, isAnswer } = begin();
    expect(initiation).toHaveLength(148);
    expect(isAnswer(answered(initiation)!)).toBe(true);
  });

  test('for another WireGuard is none for this one', () => {
    expect(answered(begin(generateKeyPair().publicKey).initiation)).toBeUndefined();
  });
});

describe('no answer is', () => {
  test('one with a bit that is another', () => {
    const { initiation, isAnswer } = begin();
    const answer = answered(initiation)!;
    // The last 16 bytes are for a cookie that nobody gave.
    for (let bit = 0; bit < 76 * 8; bit += 1) {
      const changed = Buffer.from(answer);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(isAnswer(changed), `bit ${bit}`).toBe(false);
    }
  });

  test('one that is cut off, empty, or ours', () => {
    const { initiation, isAnswer } = begin();
    const answer = answered(initiation)!;
    for (const length of [0, 1, 3, 4, 60, 91]) expect(isAnswer(answer.subarray(0, length))).toBe(false);
    expect(isAnswer(Buffer.concat([answer, Buffer.alloc(1)]))).toBe(false);
    expect(isAnswer(initiation)).toBe(false);
  });

  test('that to another initiation', () => {
    const [one, other] = [begin(), begin()];
    expect(one.isAnswer(answered(other.initiation)!)).toBe(false);
  });

  test('that of somebody who knows our public key, and has another key than the engine', () => {
    const impostor = generateKeyPair();
    const toImpostor = begin(impostor.publicKey);
    const answer = answered(toImpostor.initiation, impostor)!;
    expect(toImpostor.isAnswer(answer)).toBe(true);
    expect(begin().isAnswer(answer)).toBe(false);
  });

  test('one with a point of low order', () => {
    const { initiation, isAnswer } = begin();
    const answer = answered(initiation)!;
    answer.fill(0, 12, 44);
    expect(isAnswer(answer)).toBe(false);
  });
});
