/** Shells and their recordings, as operators call them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Handlers } from '../capability.ts';

type Names =
  | 'shell.create'
  | 'shell.attach'
  | 'shell.list'
  | 'shell.kill'
  | 'session.list'
  | 'session.show'
  | 'session.read'
  | 'session.search';

/** Of an engine that has no tunnels yet: there are no shells. */
export const shellOperations = (): Handlers<Names> => ({
  'shell.create': async () => {
    throw new BorealisError('TUNNEL_FAILED', { detail: 'This engine makes no tunnels yet.' });
  },
  'shell.attach': async ({ shell }) => {
    throw new BorealisError('SHELL_NOT_FOUND', { detail: `“${shell}” is none.` });
  },
  'shell.list': async () => [],
  'shell.kill': async ({ shell }) => {
    throw new BorealisError('SHELL_NOT_FOUND', { detail: `“${shell}” is none.` });
  },
  'session.list': async () => [],
  'session.show': async ({ session }) => {
    throw new BorealisError('SESSION_NOT_FOUND', { detail: `“${session}” is none.` });
  },
  'session.read': async ({ session }) => {
    throw new BorealisError('SESSION_NOT_FOUND', { detail: `“${session}” is none.` });
  },
  'session.search': async function* () {},
});
