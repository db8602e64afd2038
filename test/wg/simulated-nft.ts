/** The part of nft(8) that is used: takes the text of a table, gives its JSON. Fails on whatever else it is asked. */
import { BorealisError } from '../../src/protocol/errors.ts';
import type { ElementChange } from '../../src/wg/plan.ts';

type Json = Record<string, unknown>;

export class SimulatedNft {
  /** By `inet NAME`. */
  readonly tables = new Map<string, Json[]>();

  /** `nft -f -`: all of it, or an exception and nothing. */
  load(text: string): void {
    const after = new Map(this.tables);
    const lines = text.split('\n').map((line) => line.trim());
    while (lines.length > 0) {
      const line = lines.shift()!;
      const [, verb, name = ''] = /^(delete )?table inet (\w+)/.exec(line) ?? [];
      if (line === '') continue;
      if (line === `table inet ${name} {}`) after.set(name, after.get(name) ?? []);
      else if (line === `table inet ${name} {`) after.set(name, readTable(lines));
      else if (verb && line === `delete table inet ${name}` && after.has(name)) after.delete(name);
      else throw new Error(`unexpected in nft: ${line}`);
    }
    this.tables.clear();
    for (const [name, entries] of after) this.tables.set(name, entries);
  }

  /** By the kernel's own messages. */
  change(table: string, changes: readonly ElementChange[]): void {
    for (const { set: name, type, gone, come } of changes) {
      const sets = (this.tables.get(table) ?? []).flatMap(({ set }) => (set ? [set as Json] : []));
      const set = sets.find((of) => of.name === name);
      if (!set || (set.type as string[]).join(' . ') !== type) throw new BorealisError('COMMAND_FAILED');
      const there = new Map((set.elem as unknown[]).map((elem) => [JSON.stringify(elem), elem]));
      for (const element of gone)
        if (!there.delete(JSON.stringify(elem(element)))) throw new BorealisError('COMMAND_FAILED');
      for (const element of come) there.set(JSON.stringify(elem(element)), elem(element));
      set.elem = [...there.values()];
    }
  }

  list(name: string): string | undefined {
    const entries = this.tables.get(name);
    return entries && JSON.stringify({ nftables: [{ metainfo: {} }, { table: { name } }, ...entries] });
  }
}

const readTable = (lines: string[]): Json[] => {
  const sets: Json[] = [];
  const chains: Json[] = [];
  const rules: Json[] = [];
  for (let line = lines.shift(); line !== '}'; line = lines.shift()) {
    const [, kind, name] = /^(set|chain) (\w+) \{$/.exec(line ?? '') ?? [];
    if (kind === 'set') {
      const type = /^type (.+)$/.exec(lines.shift()!)![1]!.split(' . ');
      const elements = /^elements = \{ (.+) \}$/.exec(lines.shift()!)![1]!.split(', ');
      sets.push({ set: { name, type, elem: elements.map(elem).reverse() } });
      if (lines.shift() !== '}') throw new Error('unexpected in a set');
    } else if (kind === 'chain') {
      const [, hook, prio, policy] =
        /^type filter hook (\w+) priority (-?\d+); policy (\w+);$/.exec(lines.shift()!) ?? [];
      chains.push({ chain: { name, type: 'filter', hook, prio: Number(prio), policy } });
      for (let rule = lines.shift()!; rule !== '}'; rule = lines.shift()!) {
        rules.push({ rule: { chain: name, expr: readRule(rule) } });
      }
    } else throw new Error(`unexpected in a table: ${line}`);
  }
  return [...sets, ...chains, ...rules];
};

const scalar = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text);
const elem = (element: string): unknown =>
  element.includes(' . ') ? { concat: element.split(' . ').map(scalar) } : element;
const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });
const payload = (protocol: unknown, field: unknown) => ({ payload: { protocol, field } });

/** Each form of a rule's parts. */
const FORMS: [RegExp, (...parts: string[]) => unknown][] = [
  [/^(iifname|oifname) (!= )?"(\w+)"/, (key, not, name) => match({ meta: { key } }, name, not ? '!=' : '==')],
  [/^ct state (\w+)/, (state) => match({ ct: { key: 'state' } }, state, 'in')],
  [
    /^ip ([sd]addr) \. (tcp|udp) ([sd]port) @(\w+)/,
    (ip, protocol, port, set) => match({ concat: [payload('ip', ip), payload(protocol, port)] }, `@${set}`),
  ],
  [
    /^skuid \. ip daddr \. (tcp|udp) dport @(\w+)/,
    (protocol, set) =>
      match(
        { concat: [{ meta: { key: 'skuid' } }, payload('ip', 'daddr'), payload(protocol, 'dport')] },
        `@${set}`,
      ),
  ],
  [/^ip ([sd]addr) (@?[\w.]+)/, (side, address) => match(payload('ip', side), address)],
  [
    /^fib ([sd]addr) type != local/,
    (side) => match({ fib: { result: 'type', flags: [side] } }, 'local', '!='),
  ],
  [/^reject with icmpx admin-prohibited/, () => ({ reject: { type: 'icmpx', expr: 'admin-prohibited' } })],
  [/^(accept|drop)/, (verdict) => ({ [verdict!]: null })],
];

const readRule = (rule: string): unknown[] => {
  for (const [form, make] of FORMS) {
    const found = form.exec(rule);
    if (found) {
      const rest = rule.slice(found[0].length).trimStart();
      return [make(...found.slice(1)), ...(rest === '' ? [] : readRule(rest))];
    }
  }
  throw new Error(`unexpected in a rule: ${rule}`);
};
