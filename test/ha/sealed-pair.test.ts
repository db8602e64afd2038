/** What the two nodes take of each other's datagrams, and what nobody can make them take. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SealedPair } from '../../src/ha/sealed-pair.ts';

const key = randomBytes(32);
const [A, B] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];

const clock = { at: 0 };
const end = (self: string, other: string, shared = key) =>
  new SealedPair({ key: shared, self, other, now: () => clock.at });
const nodeA = () => end(A, B);
const nodeB = () => end(B, A);
const word = (text: string) => Buffer.from(text);

/** Hands everything over until nobody has anything to say. Returns all that was on the wire, and what was taken. */
const pass = (from: SealedPair, to: SealedPair, first: Buffer) => {
  const wire: Buffer[] = [];
  const bodies: string[] = [];
  let [sender, receiver]: [SealedPair, SealedPair] = [from, to];
  for (let datagram: Buffer | null = first; datagram; [sender, receiver] = [receiver, sender]) {
    wire.push(datagram);
    const taken = receiver.take(datagram);
    if (taken.body) bodies.push(taken.body.toString());
    datagram = taken.answer;
    expect(wire.length).toBeLessThan(10);
  }
  return { wire, bodies };
};

const acquainted = () => {
  const [a, b] = [nodeA(), nodeB()];
  const { wire } = pass(a, b, a.hello());
  return { a, b, wire };
};

describe('two nodes', () => {
  test('know each other after one question, and then take every word, in both directions', () => {
    const { a, b } = acquainted();
    expect([a.acquainted, b.acquainted]).toEqual([true, true]);
    for (let n = 0; n < 100; n++) {
      expect(b.take(a.data(word(`a${n}`)))).toEqual({ body: word(`a${n}`), answer: null });
      expect(a.take(b.data(word(`b${n}`)))).toEqual({ body: word(`b${n}`), answer: null });
    }
  });

  test('come to know each other where both begin at once, and where the first words are lost', () => {
    const [a, b] = [nodeA(), nodeB()];
    const [fromA, fromB] = [a.hello(), b.hello()];
    pass(a, b, fromA);
    pass(b, a, fromB);
    expect(pass(a, b, a.data(word('x'))).bodies).toEqual(['x']);
    expect(pass(b, a, b.data(word('y'))).bodies).toEqual(['y']);

    const [c, d] = [nodeA(), nodeB()];
    d.take(c.hello()); // the answer is lost
    expect(pass(d, c, d.data(word('lost'))).bodies).toEqual([]);
    expect(pass(d, c, d.data(word('heard'))).bodies).toEqual(['heard']);
  });

  test('go on after either begins anew', () => {
    const { a, b } = acquainted();
    const again = nodeB();
    expect(pass(a, again, a.data(word('lost'))).bodies).toEqual([]);
    expect(pass(a, again, a.data(word('heard'))).bodies).toEqual(['heard']);
    expect(pass(again, a, again.data(word('answered'))).bodies).toEqual(['answered']);
    // The process before is over, whatever of it is still on its way.
    expect(a.take(b.data(word('late')))).toEqual({ body: null, answer: null });
  });

  test('go on after the other one has begun anew a thousand times', () => {
    const a = nodeA();
    for (let n = 0; n < 1_000; n++) {
      const b = nodeB();
      clock.at += 1_000;
      pass(b, a, b.hello());
      pass(b, a, b.data(word('lost where a had begun anew too')));
      expect(pass(b, a, b.data(word(`${n}`))).bodies).toEqual([`${n}`]);
      expect(pass(a, b, a.data(word(`${n}`))).bodies).toEqual([`${n}`]);
    }
  });

  test('take what is overtaken, in any order, each once', () => {
    const { a, b } = acquainted();
    const sent = Array.from({ length: 500 }, (_, n) => a.data(word(`${n}`)));
    const order = sent.map((datagram, n) => ({ datagram, at: (n * 263) % 500 })).sort((x, y) => x.at - y.at);
    const taken = [...order, ...order].map(({ datagram }) => b.take(datagram).body?.toString());
    expect(taken.slice(500).every((body) => body === undefined)).toBe(true);
    expect(new Set(taken.slice(0, 500)).size).toBe(500);
    expect(b.ignored.replayed).toBe(500);
  });

  test('take no word that thousands have overtaken: it could be one that was seen', () => {
    const { a, b } = acquainted();
    const [first, second] = [a.data(word('seen')), a.data(word('never seen'))];
    b.take(first);
    for (let n = 0; n < 5_000; n++) expect(b.take(a.data(word('x'))).body).not.toBeNull();
    expect(b.take(first).body).toBeNull();
    expect(b.take(second).body).toBeNull();
  });
});

describe('is not taken:', () => {
  test('what was recorded, after either has begun anew, and it turns nobody away', () => {
    const { a, b, wire } = acquainted();
    const recorded = [
      ...wire,
      ...Array.from({ length: 20 }, () => a.data(word('vote'))),
      b.data(word('vote')),
    ];
    for (const datagram of recorded) [a.take(datagram), b.take(datagram)];
    const again = nodeB();
    for (const datagram of recorded) {
      expect(again.take(datagram).body).toBeNull();
      expect(a.take(datagram).body).toBeNull();
    }
    expect(again.acquainted).toBe(false);
    clock.at += 1_000;
    pass(again, a, again.hello());
    // Both are of one time again; what is of before still is not.
    for (const datagram of recorded) {
      expect(again.take(datagram).body).toBeNull();
      expect(a.take(datagram).body).toBeNull();
    }
    expect(pass(a, again, a.data(word('x'))).bodies).toEqual(['x']);
    expect(pass(again, a, again.data(word('y'))).bodies).toEqual(['y']);
  });

  test('one recorded before the other one left, when it comes back with as many processes as are remembered', () => {
    const { a, b } = acquainted();
    const recorded = b.data(word('vote'));
    expect(a.take(recorded).body).not.toBeNull();
    for (let n = 0; n < 600; n++) {
      const next = nodeB();
      clock.at += 1_000;
      pass(next, a, next.hello());
      expect(a.take(recorded).body).toBeNull();
    }
  });

  test("one's own, come back", () => {
    const { a, b } = acquainted();
    const own = a.data(word('x'));
    expect(a.take(own)).toEqual({ body: null, answer: null });
    expect(a.ignored.foreign).toBe(1);
    expect(b.take(own).body).not.toBeNull();
  });

  test('what another pair has sealed, with its key or with ours', () => {
    const { a } = acquainted();
    const stranger = end(B, A, randomBytes(32));
    const third = end(B, '00000000-0000-4000-8000-00000000000c');
    const fourth = end('00000000-0000-4000-8000-00000000000c', A);
    for (const other of [stranger, third, fourth]) {
      expect(a.take(other.hello())).toEqual({ body: null, answer: null });
      expect(a.take(other.data(word('x')))).toEqual({ body: null, answer: null });
    }
    expect(a.ignored.foreign).toBe(6);
  });

  test('what is cut, longer, or changed in any bit', () => {
    const { a, b } = acquainted();
    const good = a.data(word('{"vote":1}'));
    for (let length = 0; length < good.length; length++) {
      expect(b.take(good.subarray(0, length))).toEqual({ body: null, answer: null });
    }
    expect(b.take(Buffer.concat([good, Buffer.alloc(1)])).body).toBeNull();
    for (let bit = 0; bit < good.length * 8; bit++) {
      const changed = Buffer.from(good);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(b.take(changed)).toEqual({ body: null, answer: null });
    }
    expect(b.take(good).body).toEqual(word('{"vote":1}'));
  });

  test('anything at all', () => {
    const { b } = acquainted();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500 }), fc.boolean(), (bytes, headed) => {
        const datagram = Buffer.from(bytes);
        if (headed && datagram.length > 2) datagram.set([1, 2]);
        expect(b.take(datagram)).toEqual({ body: null, answer: null });
      }),
    );
  });
});

test('what is recorded is not answered without end', () => {
  const { a } = acquainted();
  const again = nodeB();
  const recorded = Array.from({ length: 1_000 }, () => a.data(word('x')));
  const answers = recorded.map((datagram) => again.take(datagram).answer).filter((answer) => answer !== null);
  expect(answers.length).toBe(5);
  clock.at += 50;
  expect(again.take(recorded[0]!).answer).not.toBeNull();
  expect(again.take(recorded[0]!).answer).toBeNull();
});

test('nothing of what is said can be read, and no two datagrams are alike', () => {
  const { a } = acquainted();
  const sent = Array.from({ length: 50 }, () => a.data(word('{"holder":"node"}')));
  expect(new Set(sent.map((datagram) => datagram.toString('hex'))).size).toBe(50);
  expect(sent.some((datagram) => datagram.includes('holder') || datagram.includes(key))).toBe(false);
});

test('a word of a process that is over, which comes late, makes nobody deaf to the one after it', () => {
  let now = 0;
  const shared = { key: Buffer.alloc(32, 7), now: () => now };
  const here = new SealedPair({ ...shared, self: 'one', other: 'two' });
  const there = () => new SealedPair({ ...shared, self: 'two', other: 'one' });
  const said = (data: string, by: SealedPair) => here.take(by.data(Buffer.from(data)));
  // Said in answer to this process of ours, and held up on its way.
  const late = there().take(here.hello()).answer as Buffer;
  const after = there();
  const answer = here.take(after.take(here.hello()).answer as Buffer).answer;
  if (answer) after.take(answer);
  expect(said('before', after).body?.toString()).toBe('before');
  expect(here.take(late).body).toBeNull();
  now += 60_000;
  // What is said first is lost; with what is answered to it the two know each other again.
  for (let back = said('lost', after).answer; back; ) {
    const more: Buffer | null = after.take(back).answer;
    back = more && here.take(more).answer;
  }
  expect(said('heard', after).body?.toString()).toBe('heard');
  // The other one again and again: at most once in a while it costs a word.
  expect(here.take(late).answer).not.toBeNull();
  expect(said('still heard', after).body?.toString()).toBe('still heard');
});
