/** The names and ids of things, for completion: each with what tells it from the others. */
import type { Client } from '../../../client/client.ts';
import type { Kind } from './kinds.ts';

export interface Offered {
  readonly word: string;
  readonly note: string;
}

/** More than these nobody reads at a prompt. */
const MOST = 100;
const UNFINISHED = ['queued', 'running'];

export interface Question {
  /** What the word begins with. */
  readonly prefix: string;
  /** The arguments before it, by name. */
  readonly before: Readonly<Record<string, string>>;
  /** `job cancel`: of a job, only those that it can be done to. */
  readonly command: string;
}

/** Those that begin with the prefix, in the order in which lists have them. Errors: as the list's operation. */
export const offeredNames = async (client: Client, kind: Kind, question: Question): Promise<Offered[]> =>
  (await lists[kind](client, question)).filter(({ word }) => word.startsWith(question.prefix));

const lists: Readonly<Record<Kind, (client: Client, question: Question) => Promise<Offered[]>>> = {
  approval: async (client) =>
    (await client.call('approval.list', {})).map(({ id, hostname, address }) => ({
      word: id,
      note: `${hostname}, ${address}`,
    })),
  code: async (client) =>
    (await client.call('code.list', {})).map(({ id, site, uses_left }) => ({
      word: id,
      note: [`${uses_left} left`, ...(site === null ? [] : [site])].join(', '),
    })),
  connection: async (client, { before: { vpn = '' } }) =>
    (await client.call('connection.list', { vpn })).map(({ name, address }) => ({
      word: name,
      note: address,
    })),
  device: async (client, { prefix }) =>
    (await client.call('device.names', { prefix })).map((word) => ({ word, note: '' })),
  job: async (client, { command }) =>
    (await client.all('job.list', {}, { most: MOST }))
      .filter(({ state }) => command !== 'job cancel' || UNFINISHED.includes(state))
      .map(({ id, title, state }) => ({ word: id, note: `${state}: ${title}` })),
  place: async (client, { prefix }) =>
    (await client.call('device.names', { prefix })).map((name) => ({ word: `${name}:`, note: '' })),
  script: async (client) =>
    (await client.call('script.list', {})).map(({ name, language, description }) => ({
      word: name,
      note: description ?? language,
    })),
  session: async (client) =>
    (await client.call('session.list', { limit: MOST })).map(({ id, device, user, started_at }) => ({
      word: id,
      note: `${device}, ${user}, ${started_at}`,
    })),
  setting: async (client) =>
    (await client.call('config.show', {})).map(({ key, summary }) => ({ word: key, note: summary })),
  shell: async (client) =>
    (await client.call('shell.list', {})).map(({ id, device, user }) => ({
      word: id,
      note: `${device}, ${user}`,
    })),
  vpn: async (client) =>
    (await client.call('vpn.list', {})).map(({ name, endpoint }) => ({ word: name, note: endpoint })),
  who: async (client) =>
    (await client.call('user.list', {})).map(({ who, role }) => ({ word: who, note: role })),
};
