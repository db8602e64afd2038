/** One pair as it is drawn: who has the address, so that it is seen from across the room, and both nodes side by side. */
import type { HaNodeView, HaPair } from '../../../protocol/ha.ts';
import { plural } from '../../../text/size.ts';
import { width, wrap } from '../../../text/width.ts';
import { age } from '../../components/age.ts';
import { drawFacts, type Fact } from '../../components/facts.ts';
import { panel } from '../../components/panel.ts';
import { BOLD, type Role, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { gapText, holderSentence, inOrder, marked, nodeLook, pairLook } from './look.ts';

const FILLS: Readonly<Partial<Record<Role, Role>>> = {
  good: 'accentFill',
  accent: 'accentFill',
  bad: 'badFill',
};

/** The bar, why it is so in two lines, and two more. */
export const holderLines = (rows: number): number => (rows >= 30 ? 8 : 5);

export const drawHolder = (surface: Surface, pair: HaPair, now: number): void => {
  const state = pairLook(pair);
  const bar = surface.height >= 8 ? 3 : 1;
  const back = FILLS[state.role] ?? 'warnFill';
  surface.fill(0, 0, surface.width, bar, style('onAccent', back));
  const line = (bar - 1) / 2;
  const told = marked(state);
  const right = surface.width - width(told) - 2;
  const bold = style('onAccent', back, BOLD);
  surface.text(2, line, holderSentence(pair), bold, right - 4);
  surface.text(right, line, told, bold);
  let y = bar === 3 ? bar + 1 : bar;
  const reason = wrap(pair.reason, surface.width - 4).slice(0, Math.max(1, surface.height - y - 2));
  for (const text of reason) surface.text(2, y++, text, style(state.role));
  surface.text(2, y++, lastSwitch(pair, now), style());
  surface.text(2, y, settings(pair), style('muted'));
};

export const lastSwitch = (pair: HaPair, now: number): string => {
  const { last_switch: last, flapping } = pair;
  if (!last) return 'It has not changed hands yet.';
  const gap = last.gap_ms === null ? '' : `, with a gap of ${gapText(last.gap_ms)}`;
  const when = age(last.at, now);
  // Where something worse is told above.
  const often = flapping && pairLook(pair).word !== 'flapping' ? '! Flapping. ' : '';
  return `${often}Changed hands ${when === 'now' ? 'just now' : `${when} ago`}: ${last.reason}${gap}.`;
};

export const settings = (pair: HaPair): string => {
  const by = { own: '', keepalived: `VRRP ${pair.router_id}`, hook: `hook ${pair.hook ?? ''}` }[pair.driver];
  return [
    `Lease ${pair.lease_seconds} s`,
    ...(by ? [by] : []),
    `votes on UDP ${pair.port}`,
    ...(pair.interface === null ? [] : [`interface ${pair.interface}`]),
    pair.fail_back ? `goes back to ${pair.preferred}` : 'stays where it is',
  ].join(', ');
};

const heardText = (heard: boolean | null): string | null =>
  heard === null ? null : heard ? '✓ heard' : '✗ not heard';
const behindText = (behind: number | null): string | null =>
  behind === null ? null : behind === 0 ? '✓ all are there' : `! ${behind} still to come`;

export const nodeFacts = (node: HaNodeView): Fact[] => {
  const role = nodeLook(node.role);
  return [
    ['Role', marked(role), style(role.role, 'page', BOLD)],
    ['Error', node.error, style('bad')],
    ['Stranger', node.stranger && `⊘ ${node.stranger} has the address`, style('bad')],
    ['Engine', node.online ? '● online' : '○ offline', style(node.online ? 'good' : 'warn')],
    ['Other', heardText(node.other_heard), style(node.other_heard ? 'good' : 'warn')],
    ['Changes', behindText(node.revision_behind), style(node.revision_behind === 0 ? 'good' : 'warn')],
    ['Clients', node.role === null ? null : `${node.endpoints.toLocaleString('en')} known`],
    ['Votes', node.endpoint && `UDP ${node.endpoint}`, style('muted')],
  ];
};

/** Of the panels: frame and facts. What went wrong is told whole; what is below it gives way. */
export const nodeLines = (rows: number): number => (rows >= 30 ? 11 : 9);
const ERROR_LINES = 4;

export const drawNodes = (surface: Surface, pair: HaPair): void => {
  const half = Math.floor((surface.width - 1) / 2);
  for (const [index, node] of inOrder(pair).entries()) {
    const holds = node.device === pair.holder;
    const box = surface.sub(index * (surface.width - half), 0, half);
    const inner = panel(box, {
      title: holds ? `● ${node.device}` : node.device,
      note: holds ? 'has the address' : node.device === pair.preferred && pair.fail_back ? 'preferred' : '',
      ...(holds && { line: style('good') }),
    });
    drawFacts(inner, nodeFacts(node), ERROR_LINES);
  }
};

/** For a screen reader. How many clients come and go is not told: it would interrupt all day. */
export const pairLines = (pair: HaPair, now: number): string[] => [
  `${holderSentence(pair)}.`,
  `State: ${pairLook(pair).word}. ${pair.reason}`,
  lastSwitch(pair, now).replace('! ', ''),
  ...inOrder(pair).map((node) => nodeLine(node)),
  `${settings(pair)}.`,
];

const nodeLine = (node: HaNodeView): string =>
  [
    `${node.device}: ${nodeLook(node.role).word}`,
    node.online ? 'online' : 'offline',
    ...(node.other_heard === null
      ? []
      : [node.other_heard ? 'hears the other one' : 'does not hear the other one']),
    ...(node.revision_behind ? [`${plural(node.revision_behind, 'change')} behind`] : []),
    ...(node.role !== null && node.endpoints === 0 ? ['knows of no client where it is'] : []),
    ...(node.stranger ? [`a stranger has the address: ${node.stranger}`] : []),
    ...(node.error ? [`error: ${node.error}`] : []),
  ].join(', ');
