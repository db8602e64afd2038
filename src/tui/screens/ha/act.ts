/** What can be done to a pair; what takes the address from somewhere asks first, and names who loses it and who gets it. */
import type { HaPair } from '../../../protocol/ha.ts';
import { untoldSentence } from '../../../text/untold.ts';
import type { App } from '../../app/app.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { quoted } from '../../overlays/command-words.ts';
import { confirm } from '../../overlays/confirm.ts';
import { otherOf } from './look.ts';

export const switchPair = (app: App, pair: HaPair, done: () => void) => {
  const { vpn, address, holder, state, reason } = pair;
  const to = otherOf(pair, holder);
  if (holder === null)
    return app.toasts.note(`Nobody has ${address}, so that nobody can give it away. ${reason}`);
  const what = `The address ${address} of ${vpn} goes from ${holder} to ${to}, with traffic flowing. ${to} serves its clients from then on, and ${holder} stands by.`;
  confirm(app, {
    title: `Switch ${vpn}`,
    text: state === 'ok' ? what : `${what} It is ${state} now: ${reason}`,
    yes: 'switch',
    run: async () => {
      let after: HaPair | undefined;
      app.toasts.note(`${holder} gives ${address} to ${to}.`);
      await app.perform(
        async () => {
          after = await app.client.call('ha.switch', { vpn });
        },
        () => (after?.holder === to ? `${to} has ${address} now.` : `${address} is on its way to ${to}.`),
      );
      done();
    },
  });
};

export const disablePair = (app: App, pair: HaPair, done: () => void): void => {
  const { vpn, address, nodes } = pair;
  const [one, other] = nodes.map(({ device }) => device);
  const node = app.store.vpns.value?.find(({ name }) => name === vpn)?.node;
  confirm(app, {
    title: `Disable high availability of ${vpn}`,
    text: `The address ${address} is taken from ${one} and ${other} at once: clients that have it as their endpoint are cut off. ${vpn} then runs on ${node ?? 'its node'} alone, and nobody takes over.`,
    yes: 'disable',
    run: async () => {
      let untold: readonly string[] = [];
      const isDone = await app.perform(
        async () => {
          ({ untold } = await app.client.call('ha.disable', { vpn }));
        },
        () => `${vpn} ${untold.length === 0 ? 'runs' : 'is to run'} on ${node ?? 'its node'} alone.`,
      );
      const warning = isDone && untoldSentence(untold, vpn, address);
      if (warning) app.toasts.warning(warning);
      done();
    },
  });
};

/** On the command line, with all that is known written down. */
export const enablePair = (app: App, vpn?: string, pair?: HaPair) => {
  if (vpn === undefined) return commandLine(app, 'ha enable ');
  if (pair) {
    const nodes = `--primary ${quoted(pair.primary)} --standby ${quoted(pair.standby)}`;
    return commandLine(app, `ha enable ${quoted(vpn)} ${nodes} --address ${pair.address}`);
  }
  const node = app.store.vpns.value?.find(({ name }) => name === vpn)?.node;
  const primary = node === undefined || node === 'engine' ? '' : `${quoted(node)} --standby `;
  commandLine(app, `ha enable ${quoted(vpn)} --primary ${primary}`);
};
