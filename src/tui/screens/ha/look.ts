/** How pairs, their nodes and their switches are told: a word, a mark and a colour, so that it is never the colour alone. */
import type { HaHistoryEntry, HaNodeView, HaPair } from '../../../protocol/ha.ts';
import { took } from '../../../text/time.ts';
import type { Role } from '../../grid/style.ts';

export interface Look {
  readonly word: string;
  readonly mark: string;
  readonly role: Role;
}

type Words = Readonly<Record<string, readonly [mark: string, role: Role]>>;

/** Here `down` is what nobody wants; elsewhere it is a tunnel that nobody uses. */
const STATES = {
  ok: ['✓', 'good'],
  degraded: ['!', 'warn'],
  switching: ['▶', 'accent'],
  down: ['✗', 'bad'],
  conflict: ['⊘', 'bad'],
} as const satisfies Record<HaPair['state'], readonly [string, Role]>;

const NODES = {
  holder: ['●', 'good'],
  standby: ['○', 'info'],
  behind: ['◌', 'warn'],
  conflict: ['⊘', 'bad'],
  failed: ['✗', 'bad'],
} as const satisfies Record<NonNullable<HaNodeView['role']>, readonly [string, Role]>;

const REASONS = {
  first: ['·', 'muted'],
  planned: ['▶', 'accent'],
  stopped: ['■', 'warn'],
  lost: ['✗', 'bad'],
} as const satisfies Record<HaHistoryEntry['reason'], readonly [string, Role]>;

const look = (words: Words, word: string): Look => {
  const [mark, role] = words[word] ?? ['·', 'text'];
  return { word, mark, role };
};

/** One that goes back and forth is told as that, unless it is worse. */
export const pairLook = ({ state, flapping }: Pick<HaPair, 'state' | 'flapping'>): Look =>
  flapping && (state === 'ok' || state === 'degraded')
    ? { word: 'flapping', mark: '!', role: 'warn' }
    : look(STATES, state);
/** By the word alone, where that is all that is known. */
export const stateLook = (state: string): Look => look(STATES, state);
export const nodeLook = (role: HaNodeView['role']): Look =>
  role === null ? { word: 'silent', mark: '·', role: 'muted' } : look(NODES, role);
export const reasonLook = (reason: HaHistoryEntry['reason']): Look => look(REASONS, reason);

export const marked = ({ mark, word }: Look): string => `${mark} ${word}`;

/** Without the length of its prefix. */
export const hostOf = (address: string): string => address.replace(/\/\d+$/, '');

export const gapText = (gap: number | null): string => (gap === null ? '' : took(gap));

/** Who has the address, in a sentence. */
export const holderSentence = ({ address, holder, state, nodes }: HaPair): string => {
  if (state === 'conflict') {
    const stranger = nodes.find((node) => node.stranger !== null)?.stranger;
    return `A stranger${stranger ? `, ${stranger},` : ''} answers for ${address}`;
  }
  if (holder !== null) return `${holder} has ${address}`;
  return state === 'switching' ? `${address} is on its way` : `Nobody has ${address}`;
};

/** The one that it would go to. */
export const otherOf = ({ nodes, standby }: HaPair, device: string | null): string =>
  device === null ? standby : (nodes.find((node) => node.device !== device)?.device ?? standby);

/** They stand still while the address goes from one to the other: the one that was meant for it first. */
export const inOrder = ({ nodes, preferred }: HaPair): HaNodeView[] =>
  [...nodes].sort((a, b) => Number(b.device === preferred) - Number(a.device === preferred));
