/** The enrolment link, `borealis://host:8443/?code=…&pin=…`: where the engine is, the code, and the CA's pin. */
import { isIP, isIPv6 } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';
import { normaliseCode } from './enrolment-code.ts';
import { isPin } from './spki.ts';

export const DEFAULT_PORT = 8443;

export interface EnrolmentLink {
  /** A host name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly code: string;
  /** `spkiPin` of the engine's CA. */
  readonly pin: string;
}

/** Throws BorealisError LINK_INVALID when a part could not be read back. */
export function formatLink({ host, port, code, pin }: EnrolmentLink): string {
  const link = `borealis://${isIPv6(host) ? `[${host}]` : host}:${port}/?code=${code}&pin=${pin}`;
  parseLink(link);
  return link;
}

/** Throws BorealisError LINK_INVALID, whose detail says what is wrong. The code never appears in it. */
export function parseLink(text: string): EnrolmentLink {
  const link = text.trim();
  if (link.length > 1024) throw invalid('It is too long.');
  if (!/^borealis:\/\//i.test(link)) throw invalid('It does not begin with borealis://.');
  const parts = /^borealis:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/i.exec(link);
  if (!parts) throw invalid('After the host only ?code=…&pin=… may follow.');
  const { host, port } = parseAuthority(parts[1] ?? '');
  const parameters = parseParameters(parts[2] ?? '');
  const code = parameters.get('code');
  const pin = parameters.get('pin');
  if (!code) throw invalid('The code is missing.');
  // An unquoted & ends the command in every shell, and with it the link.
  if (!pin) throw invalid('The pin is missing; put the link in quotes, or the shell cuts it at the &.');
  if (!isPin(pin)) throw invalid('The pin is damaged: it has 43 letters, digits, - or _.');
  return { host, port, code: readCode(code), pin };
}

function parseAuthority(authority: string): { host: string; port: number } {
  if (authority.includes('@')) throw invalid('A user name does not belong in it.');
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(authority);
  if (!parts) throw invalid('Host and port cannot be read; an IPv6 address stands in brackets.');
  const [, bracketed, plain, digits] = parts;
  const host = bracketed ?? plain ?? '';
  if (host === '') throw invalid('The host is missing.');
  // A zone (fe80::1%eth0) names an interface of this machine only, so it means nothing in a link.
  if (bracketed !== undefined ? !isIPv6(host) || host.includes('%') : !isHostName(host))
    throw invalid('The host is neither a name nor an IP address.');
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (digits === '' || port < 1 || port > 65_535) throw invalid('The port is not between 1 and 65535.');
  return { host, port };
}

function parseParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (name !== 'code' && name !== 'pin') throw invalid('It has a parameter other than code and pin.');
    if (parameters.has(name)) throw invalid(`It has more than one ${name}.`);
    parameters.set(name, equals < 0 ? '' : pair.slice(equals + 1));
  }
  return parameters;
}

function readCode(text: string): string {
  try {
    return normaliseCode(text);
  } catch (cause) {
    const detail = cause instanceof BorealisError && cause.detail ? cause.detail : 'The code is damaged.';
    throw new BorealisError('LINK_INVALID', { detail, cause });
  }
}

/** RFC 1123 names (and IPv4 addresses, which look like them). */
function isHostName(host: string): boolean {
  const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
  return isIP(host) === 4 || (host.length <= 253 && new RegExp(`^${label}(?:\\.${label})*\\.?$`).test(host));
}

const invalid = (detail: string): BorealisError => new BorealisError('LINK_INVALID', { detail });
