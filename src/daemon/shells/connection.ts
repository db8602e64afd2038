/** The connection of one shell to its agent: one at a time, as long as it can be had. */
import type { ShellOpened } from '../../protocol/agent-port.ts';
import type { FromShell } from '../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { DirectUser, TunnelSession, Tunnels } from '../tunnels/tunnels.ts';
import type { AgentLink } from './agent-link.ts';
import { type Dialled, dial, unreachable } from './dial.ts';
import type { PortPurpose, PortTokens } from './port-token.ts';
import type { Turns } from './turns.ts';

export interface ConnectionParts {
  readonly tunnels: Pick<Tunnels, 'open' | 'current'>;
  readonly turns: Turns;
  readonly tokens: PortTokens;
  /** Of the agent. */
  readonly port: number;
}

/** What the shell hears of it; nothing of a connection whose place another has taken. */
export interface ConnectionEars {
  /** The shell has ended: no more connections to it. */
  over(): boolean;
  opened(link: AgentLink, opened: ShellOpened): void;
  frame(frame: FromShell): void;
  drained(): void;
  lost(reason: string): void;
}

export class Connection {
  readonly #parts: ConnectionParts;
  readonly #ears: ConnectionEars;
  /** While it stands. */
  link: AgentLink | undefined;
  #dialling: Promise<Dialled> | undefined;

  constructor(parts: ConnectionParts, ears: ConnectionEars) {
    this.#parts = parts;
    this.#ears = ears;
  }

  /** To a shell that runs; resolves when it is connected. Brings the tunnel up where `by` is given. Errors: as `dial`. */
  async reach(shell: { id: string; guid: string }, offset: () => number, by?: DirectUser): Promise<void> {
    if (this.link) return;
    const session = await this.#tunnel(shell.guid, by);
    if (this.link) return;
    const purpose = { purpose: 'attach', shell_id: shell.id, offset: offset() } as const;
    await this.dial(session, purpose, by?.user ?? 'engine');
  }

  async #tunnel(guid: string, by?: DirectUser): Promise<TunnelSession> {
    const { tunnels } = this.#parts;
    let session = tunnels.current(guid);
    try {
      if (!session && by) session = await tunnels.open(guid, by);
    } catch (error) {
      if (!(error instanceof BorealisError)) throw error;
      throw unreachable(error.message);
    }
    if (!session) throw unreachable('Its tunnel is down, and only an operator brings it up.');
    return session;
  }

  /** Whoever comes while it is dialled waits for the same. Errors: SHELL_UNREACHABLE, what the agent refuses it for. */
  async dial(session: TunnelSession, purpose: PortPurpose, actor: string): Promise<void> {
    const { port, turns, tokens } = this.#parts;
    this.#dialling ??= dial({
      session,
      port,
      turns,
      token: () => tokens.mint(session, actor, purpose),
      opened: ({ link, opened }) => {
        if (this.#ears.over()) return void link.destroy('The shell has ended.');
        this.link = link;
        this.#ears.opened(link, opened);
      },
      frame: (link, frame) => {
        if (link === this.link) this.#ears.frame(frame);
      },
      drained: () => this.#ears.drained(),
      closed: (link, reason) => {
        if (link !== this.link) return;
        this.link = undefined;
        this.#ears.lost(reason);
      },
    }).finally(() => {
      this.#dialling = undefined;
    });
    await this.#dialling;
  }
}
