/** Whom this machine asks for names: resolv.conf(5), and what systemd-resolved asks in its turn. */
import { readFile } from 'node:fs/promises';

const FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** IP addresses, each once. */
export const resolvers = async (): Promise<string[]> => {
  const texts = await Promise.all(
    FILES.map((file) => readFile(file, 'utf8').catch(() => '')), // there is none, or not for us: nobody is asked by it
  );
  return [...new Set(texts.flatMap(parseResolvers))];
};

/** Without the zone of a link-local one. */
export const parseResolvers = (text: string): string[] =>
  [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9a-fA-F.:]+)/gm)].map(([, address = '']) => address);
