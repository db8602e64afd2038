/** Agents that ask to be enrolled, as people see them: what to compare before saying yes. */
import type { Approval } from '../../protocol/approval.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import { stateColour } from '../manner/paint.ts';
import { type Column, type Fact, facts } from '../manner/table.ts';
import { quoteForShell } from '../manner/words.ts';

/** `decided`: others than those that wait are in it. */
export const approvalList = (out: Output, decided: boolean): ListView<Approval> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id },
    ...(decided ? [STATE, DEVICE] : []),
    { title: 'HOST NAME', value: ({ hostname }) => hostname, gives: true },
    { title: 'AGENT', value: ({ context }) => context, spare: true },
    { title: 'ADDRESS', value: ({ address }) => address, spare: true },
    // What is compared before a decision gives way to what came of it.
    { ...KEY, ...(decided && { spare: true }) },
    { ...CLASHES, ...(decided && { spare: true }) },
    { title: 'ASKED', value: ({ requested_at: at }) => out.time(at) },
  ],
  name: ({ id }) => id,
  empty: 'Nobody waits for approval. Make a link for an agent with: borealisctl code create',
});

const KEY: Column<Approval> = { title: 'KEY', value: ({ key_fingerprint: key }) => key, gives: true };
const CLASHES: Column<Approval> = {
  title: 'CLASHES WITH',
  value: ({ conflict }) => conflict?.device,
  colour: () => 'red',
  gives: true,
};

const STATE: Column<Approval> = {
  title: 'STATE',
  value: ({ state }) => state,
  colour: ({ state }) => stateColour(state),
};
const DEVICE: Column<Approval> = { title: 'DEVICE', value: ({ device }) => device, gives: true };

export const approvalCard = (out: Output, approval: Approval): string[] => {
  const { id, state, conflict } = approval;
  const rows: Fact[] = [
    ['Request', id],
    ['State', state, stateColour(state)],
    ['Host name', approval.hostname],
    ['Key', approval.key_fingerprint, 'bold'],
    ['Machine', approval.fingerprint],
    ['Agent', `${approval.context}, version ${approval.agent_version}`],
    ['System', `${approval.os} ${approval.arch}`],
    ['Address', approval.address],
    ['Site', approval.site],
    ['Asked', out.moment(approval.requested_at)],
    ['Expires', state === 'waiting' ? out.moment(approval.expires_at) : null],
    ['Decided', approval.decided_by && `${out.moment(approval.decided_at)} by ${approval.decided_by}`],
    ['Device', approval.device],
    ['Clashes with', conflict && `${conflict.device}, which has the same ${WORDS[conflict.kind]}`, 'red'],
  ];
  return facts(rows, out.paint);
};

const WORDS = { hostname: 'host name', fingerprint: 'machine fingerprint' } as const;

/** What can be done about a request that waits, each with its command. */
export const waysToDecide = ({ id, state, conflict }: Approval): string[] => {
  if (state !== 'waiting') return [];
  const approve = `borealisctl approval approve ${id}`;
  const deny = `Not known to you:          borealisctl approval deny ${id}`;
  if (!conflict)
    return [
      'Compare the key with the one that borealis-agent shows there. Then:',
      `The same:                  ${approve}`,
      deny,
    ];
  const device = quoteForShell(conflict.device);
  return [
    'Compare the key with the one that borealis-agent shows there. Then, if it is',
    `the same machine as ever:  ${approve} --merge ${device}      (keeps its GUID and history)`,
    `one in its place:          ${approve} --overwrite ${device}  (revokes ${conflict.device})`,
    ...(conflict.kind === 'hostname' ? [`one more of that name:     ${approve} --name NAME`] : []),
    `not known to you:          borealisctl approval deny ${id}`,
  ];
};
