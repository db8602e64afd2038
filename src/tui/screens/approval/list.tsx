/** Agents that ask to be enrolled: what to compare, what it clashes with, and the decision. */
import { Box } from 'ink';
import type { Approval } from '../../../protocol/approval.ts';
import type { App } from '../../app/app.ts';
import { age, ago, left } from '../../components/age.ts';
import { drawFacts } from '../../components/facts.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { panel } from '../../components/panel.ts';
import { BOLD, stateMark, stateRole, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { confirm } from '../../overlays/confirm.ts';
import { type Choice, menu } from '../../overlays/menu.ts';
import { ask } from '../../overlays/prompt.ts';
import { newCode } from '../code/create.ts';
import { approvalKeys } from './keys.ts';

const CARD_LINES = 12;

export class ApprovalList extends ListScreen<Approval> {
  #decided: Approval[] | undefined;
  #all = false;

  constructor(app: App) {
    const { approvals } = app.store;
    const state: { all: () => Approval[] | undefined; version: () => number } = {
      all: () => undefined,
      version: () => 0,
    };
    super(app, {
      noun: 'approval',
      title: 'approvals',
      bindings: approvalKeys,
      items: () => state.all() ?? approvals.value ?? [],
      version: () => approvals.version * 2 + state.version(),
      id: ({ id }) => id,
      columns: [
        {
          id: 'state',
          title: 'STATE',
          width: 11,
          text: ({ state: now }) => `${stateMark(now)} ${now}`,
          style: ({ state: now }) => style(stateRole(now)),
        },
        { id: 'hostname', title: 'HOST NAME', width: 14, grow: 2, text: ({ hostname }) => hostname },
        {
          id: 'conflict',
          title: 'CLASHES WITH',
          width: 14,
          grow: 1,
          text: ({ conflict }) => conflict?.device ?? '',
          style: ({ conflict }) => style(conflict ? 'bad' : 'faint', 'page', conflict ? BOLD : 0),
        },
        {
          id: 'context',
          title: 'AGENT',
          width: 7,
          keep: 1,
          text: ({ context }) => context,
          style: () => style('muted'),
        },
        {
          id: 'address',
          title: 'ADDRESS',
          width: 15,
          keep: 2,
          text: ({ address }) => address ?? '',
          style: () => style('muted'),
        },
        {
          id: 'site',
          title: 'SITE',
          width: 8,
          grow: 1,
          keep: 0,
          text: ({ site }) => site ?? '',
          style: () => style('muted'),
        },
        {
          id: 'asked',
          title: 'ASKED',
          width: 6,
          align: 'right',
          text: ({ requested_at }) => age(requested_at, app.now()),
          style: () => style('muted'),
          order: ({ requested_at }) => -Date.parse(requested_at),
        },
      ],
      empty: [
        'Nobody waits for approval.',
        '',
        'n makes an enrolment code. An agent that uses it comes up here, and waits for you.',
      ],
      watch: () => approvals.watch(),
      loading: () => approvals.value === undefined && approvals.error === undefined,
      problem: () =>
        approvals.error && !approvals.value ? [approvals.error.message, approvals.error.next] : undefined,
    });
    state.all = () => (this.#all ? this.#decided : undefined);
    state.version = () => (this.#all ? 1 : 0);
  }

  act(action: string) {
    if (action === 'code') return newCode(this.app);
    if (action === 'decided') return void this.#toggle();
    const approval = this.list.current();
    if (!approval) return;
    if (approval.state !== 'waiting') return this.app.toasts.note(`It is ${approval.state} already.`);
    if (action === 'open') decide(this.app, approval);
    else if (action === 'deny') deny(this.app, this.list.chosen());
  }

  async #toggle(): Promise<void> {
    if (this.#all) this.#all = false;
    else
      await this.app.perform(async () => {
        this.#decided = await this.app.client.call('approval.list', { all: true });
        this.#all = true;
      }, 'Those decided are shown too.');
    this.app.host.soon();
  }

  override render() {
    const current = this.list.current();
    return (
      <Box flexDirection="column" flexGrow={1}>
        {super.render()}
        {current && (
          <Canvas
            height={Math.min(CARD_LINES, Math.floor(this.app.host.rows / 2))}
            flexShrink={0}
            draw={(surface) => drawCard(surface, this.app, current)}
          />
        )}
      </Box>
    );
  }
}

const drawCard = (surface: Surface, app: App, approval: Approval): void => {
  const { conflict } = approval;
  const inner = panel(surface, { title: approval.hostname, note: `request ${approval.id.slice(0, 8)}` });
  drawFacts(
    inner,
    [
      ['Key', approval.key_fingerprint, style('accent', 'page', BOLD)],
      ['', 'Compare it with: borealis-agent status, on that machine.', style('muted')],
      [
        'Clashes with',
        conflict &&
          `${conflict.device}, which has the same ${conflict.kind === 'hostname' ? 'host name' : 'machine fingerprint'}`,
        style('bad', 'page', BOLD),
      ],
      ['System', `${approval.os} ${approval.arch}, agent ${approval.agent_version}, as ${approval.context}`],
      ['Address', approval.address],
      ['Site', approval.site],
      ['Asked', ago(approval.requested_at, app.now())],
      ['Expires', approval.state === 'waiting' ? left(approval.expires_at, app.now()) : null],
      ['Decided', approval.decided_by && `by ${approval.decided_by}`],
      ['Device', approval.device],
      ['Machine', approval.fingerprint, style('muted')],
    ],
    2,
  );
};

const decide = (app: App, approval: Approval): void => {
  const { id, hostname, conflict } = approval;
  const approve = (more: { merge?: string; overwrite?: string; name?: string }, said: string) => () =>
    void app.perform(() => app.client.call('approval.approve', { approval: id, ...more }), said);
  const choices: Choice[] = [];
  if (!conflict)
    choices.push({
      key: 'a',
      title: 'Approve',
      note: `as the new device ${hostname}`,
      run: approve({}, `${hostname} is approved.`),
    });
  else {
    const { device } = conflict;
    choices.push({
      key: 'm',
      title: 'Merge',
      note: `it is ${device}: keeps its GUID and history, gets the new key`,
      run: approve({ merge: device }, `${hostname} goes on as ${device}.`),
    });
    choices.push({
      key: 'o',
      title: 'Overwrite',
      note: `it takes the place of ${device}, which is revoked`,
      run: () =>
        confirm(app, {
          title: 'Overwrite',
          text: `${device} will be revoked and replaced by the machine that asks now, whose key is ${approval.key_fingerprint}.`,
          yes: 'overwrite',
          run: approve({ overwrite: device }, `${hostname} has taken the place of ${device}.`),
        }),
    });
  }
  // The same machine is one device: no other name makes it two.
  if (conflict?.kind !== 'fingerprint')
    choices.push({
      key: 'n',
      title: 'Approve under another name',
      note: 'one more machine',
      run: () =>
        ask(app, {
          title: `Approve ${hostname} as`,
          value: hostname,
          yes: 'approve',
          check: (value) => (value === '' ? 'It needs a name.' : undefined),
          run: (name) => approve({ name }, `${name} is approved.`)(),
        }),
    });
  choices.push({ key: 'd', title: 'Deny', note: 'not known to you', run: () => deny(app, [approval]) });
  menu(app, {
    title: hostname,
    text: `Its key is\n${approval.key_fingerprint}\nIs it the one that the machine itself shows?`,
    choices,
  });
};

const deny = (app: App, approvals: readonly Approval[]): void => {
  const names = approvals.map(({ hostname }) => hostname).join(', ');
  confirm(app, {
    title: 'Deny',
    text: `${names}: the agent is told, and stops asking.`,
    yes: 'deny',
    run: () =>
      app.performEach(
        approvals,
        ({ id }) => app.client.call('approval.deny', { approval: id }),
        (what) => `${what}: denied.`,
        ({ hostname }) => hostname,
      ),
  });
};
