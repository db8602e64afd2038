/** What a call becomes on the wire: the declared path, query, body and headers of an operation. */
import type { OperationName } from '../protocol/operations.ts';
import { type Route, routes } from './routes.ts';

export const API_PREFIX = '/api/v1';
/** Where an upload's passphrase travels: queries end up in histories and logs. */
const PASSPHRASE_HEADER = 'borealis-passphrase';

export interface WireRequest {
  readonly method: string;
  /** With the query, below the API's prefix. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string | undefined;
}

export const wireRequest = (name: OperationName, input: object): WireRequest => {
  const [method, template, transport]: Route = routes[name];
  const rest: Record<string, unknown> = { ...input };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest[field];
    delete rest[field];
    return encodeURIComponent(String(value));
  });
  const headers: Record<string, string> = {};
  if (method !== 'GET' && method !== 'DELETE' && transport !== 'upload') {
    const body = JSON.stringify(rest);
    if (body === '{}') return { method, path: API_PREFIX + path, headers, body: undefined };
    headers['content-type'] = 'application/json';
    return { method, path: API_PREFIX + path, headers, body };
  }
  if (transport === 'upload') {
    headers['content-type'] = 'application/octet-stream';
    // A header holds neither every character nor blanks at either end; percent-encoded, the passphrase arrives as it is.
    headers[PASSPHRASE_HEADER] = encodeURIComponent(String(rest.passphrase ?? ''));
    delete rest.passphrase;
  }
  return { method, path: API_PREFIX + path + query(rest), headers, body: undefined };
};

/** Lists repeat their name; what is undefined is left out. */
const query = (fields: Readonly<Record<string, unknown>>): string => {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`);
    }
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};
