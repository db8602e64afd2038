/** Opens one connection to the agent for a shell, and resolves when the agent has answered. */
import type { ShellOpened } from '../../protocol/agent-port.ts';
import type { FromShell } from '../../protocol/agent-port-codec.ts';
import { BorealisError, ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import type { TunnelSession } from '../tunnels/tunnels.ts';
import { AgentLink } from './agent-link.ts';
import type { Turns } from './turns.ts';

/** From the first packet to the agent's answer. */
const ANSWER_MS = 10_000;
/** A tunnel passes packets a moment before the agent listens in it: it is knocked again, so often and no longer. */
const KNOCK_MS = 25;
const KNOCKING_MS = 3_000;

export interface Dialled {
  readonly link: AgentLink;
  readonly opened: ShellOpened;
}

export interface DialParts {
  readonly session: TunnelSession;
  readonly port: number;
  readonly turns: Turns;
  /** Minted when the connection stands: it is good for a minute only. */
  readonly token: () => string;
  /** Hears everything after OPENED. `closed` is called only for a link that was opened. */
  readonly frame: (link: AgentLink, frame: FromShell) => void;
  readonly drained: () => void;
  readonly closed: (link: AgentLink, reason: string) => void;
  /** Called with OPENED, before any frame that follows it. */
  readonly opened: (dialled: Dialled) => void;
}

/** Errors: SHELL_UNREACHABLE; what the agent refused with, where it is a code of ours. */
export const dial = (parts: DialParts): Promise<Dialled> => {
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const knockUntil = performance.now() + KNOCKING_MS;
  let open = false;
  let over = false;
  let link: AgentLink;
  const refuse = (error: BorealisError): void => {
    clearTimeout(timer);
    over = true;
    reject(error);
    link.destroy(error.message);
  };
  const knock = (): void => {
    if (over) return;
    const knocking: AgentLink = new AgentLink(
      { host: parts.session.address, port: parts.port },
      parts.turns,
      {
        connected: () => knocking.open(parts.token()),
        drained: parts.drained,
        frame: (frame) => {
          if (open) return parts.frame(knocking, frame);
          if (frame.type === 'REFUSED') return refuse(refusalOf(frame));
          if (frame.type !== 'OPENED') return refuse(unreachable('It answers something else.'));
          clearTimeout(timer);
          open = true;
          const { type: _, ...opened } = frame;
          const dialled = { link: knocking, opened };
          parts.opened(dialled);
          resolve(dialled);
        },
        closed: (reason, code) => {
          if (open) parts.closed(knocking, reason);
          else if (code === 'ECONNREFUSED' && performance.now() < knockUntil) setTimeout(knock, KNOCK_MS);
          else refuse(unreachable(reason));
        },
      },
    );
    link = knocking;
  };
  const timer = setTimeout(() => refuse(unreachable('The agent does not answer.')), ANSWER_MS);
  knock();
  return promise;
};

export const unreachable = (detail: string): BorealisError =>
  new BorealisError('SHELL_UNREACHABLE', { detail });

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

/** A device's word on why, held to our own sentences where the code is known: it is shown to operators. */
const refusalOf = ({ code, message }: { code: string; message: string }): BorealisError => {
  const said = message.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 500);
  return isCode(code)
    ? new BorealisError(code, { detail: said })
    : unreachable(`The agent refused it: ${said}`);
};
