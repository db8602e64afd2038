/** Reads `nft -j list table` (libnftables-json(5)) back into the text of nft.ts. Pure. */
import { z } from 'zod';
import { BorealisError } from '../protocol/errors.ts';
import { renderTable, type Table } from './nft.ts';

const json = z.unknown();
const listing = z.object({
  nftables: z.array(
    z.looseObject({
      set: z
        .looseObject({
          name: z.string(),
          type: z.union([z.string(), z.array(z.string())]),
          elem: z.array(json).optional(),
          flags: z.array(z.string()).optional(),
        })
        .optional(),
      chain: z
        .looseObject({
          name: z.string(),
          type: z.string().optional(),
          hook: z.string().optional(),
          prio: z.number().optional(),
          policy: z.string().optional(),
        })
        .optional(),
      rule: z.looseObject({ chain: z.string(), expr: z.array(json) }).optional(),
    }),
  ),
});

/** What is in the table and is nothing of ours, is in the text too, as JSON, so that it differs. */
const KNOWN = new Set(['metainfo', 'table', 'set', 'chain', 'rule']);

/** Errors: COMMAND_FAILED where it is no listing at all. */
export const parseTable = (name: string, text: string): string => {
  const entries = parse(text).nftables;
  const rules = Map.groupBy(
    entries.flatMap(({ rule }) => (rule ? [rule] : [])),
    (rule) => rule.chain,
  );
  const table: Table = {
    sets: entries
      .flatMap(({ set }) => (set ? [set] : []))
      .map(({ name, type, elem, flags }) => ({
        name,
        type: typeof type === 'string' ? type : type.join(' . '),
        elements: (elem ?? []).map(value).sort(),
        interval: flags?.includes('interval') ?? false,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    chains: entries
      .flatMap(({ chain }) => (chain ? [chain] : []))
      .map(({ name, type, hook = '', prio = 0, policy = '' }) => ({
        name,
        type: type === 'nat' ? ('nat' as const) : ('filter' as const),
        hook,
        priority: prio,
        policy,
        rules: (rules.get(name) ?? []).map(({ expr }) => expr.map(statement).join(' ')),
      })),
  };
  const foreign = entries
    .flatMap((entry) => Object.entries(entry))
    .filter(([kind]) => !KNOWN.has(kind))
    .map((entry) => `# ${JSON.stringify(entry)}\n`);
  return renderTable(name, table) + foreign.join('');
};

const parse = (text: string): z.infer<typeof listing> => {
  try {
    return listing.parse(JSON.parse(text));
  } catch (cause) {
    throw new BorealisError('COMMAND_FAILED', { detail: 'nft gave a listing that cannot be read.', cause });
  }
};

const isRecord = (from: unknown): from is Record<string, unknown> =>
  typeof from === 'object' && from !== null && !Array.isArray(from);

/** The one member of an object of one: how libnftables names kinds. */
const only = (from: unknown): [string, unknown] => {
  const members = isRecord(from) ? Object.entries(from) : [];
  return members.length === 1 ? (members[0] as [string, unknown]) : ['', from];
};

const VERDICTS = new Set(['accept', 'drop', 'masquerade']);
/** Keys of packets' metadata that are not written alone. */
const META = new Set(['l4proto', 'nfproto']);

const statement = (from: unknown): string => {
  const [kind, body] = only(from);
  if (VERDICTS.has(kind) && body === null) return kind;
  if (kind === 'mangle' && isRecord(body)) return `${value(body.key)} set ${value(body.value)}`;
  if (kind === 'reject' && isRecord(body)) return `reject with ${body.type} ${body.expr}`;
  if (kind === 'match' && isRecord(body)) {
    const { op, left, right } = body;
    // nft writes a list of flags as `in`, and lets `==` go without saying, save after a calculation.
    const goesWithout = op === 'in' || (op === '==' && only(left)[0] !== '&');
    const sign = goesWithout ? '' : `${op} `;
    return `${value(left)} ${sign}${quoted(left, right)}`;
  }
  return JSON.stringify(from);
};

const quoted = (left: unknown, right: unknown): string => {
  const [kind, body] = only(left);
  const isName = kind === 'meta' && isRecord(body) && String(body.key).endsWith('ifname');
  return isName ? `"${value(right)}"` : value(right);
};

const value = (from: unknown): string => {
  if (typeof from === 'string' || typeof from === 'number') return String(from);
  if (Array.isArray(from)) return from.map(value).join(',');
  const [kind, body] = only(from);
  if (kind === 'concat' && Array.isArray(body)) return body.map(value).join(' . ');
  if (kind === 'meta' && isRecord(body))
    return META.has(String(body.key)) ? `meta ${body.key}` : String(body.key);
  if (kind === 'prefix' && isRecord(body)) return `${body.addr}/${body.len}`;
  if (kind === 'range' && Array.isArray(body)) return body.map(value).join('-');
  if (kind === '|' && Array.isArray(body)) return body.map(value).join(',');
  if (kind === '&' && Array.isArray(body))
    return `${value(body[0])} & (${value(body[1]).replaceAll(',', ' | ')})`;
  if (kind === 'tcp option' && isRecord(body)) return `tcp option ${body.name} ${body.field}`;
  if (kind === 'ct' && isRecord(body) && Object.keys(body).length === 1) return `ct ${body.key}`;
  if (kind === 'payload' && isRecord(body)) return `${body.protocol} ${body.field}`;
  if (kind === 'fib' && isRecord(body)) return `fib ${value(body.flags)} ${body.result}`;
  return JSON.stringify(from);
};
