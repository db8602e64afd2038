/** Makes the agent of this machine a device of the engine: code, request, approval. Nothing of it is a short cut. */
import type { Client } from '../../../client/client.ts';
import type { Approval } from '../../../protocol/approval.ts';
import type { Device } from '../../../protocol/device.ts';
import type { Status } from '../../../protocol/engine.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import { facts } from '../../manner/table.ts';
import { quoteForShell } from '../../manner/words.ts';
import { type AgentPlace, agentStatus, enrollAgent, stopAgent, unenrollAgent } from '../agent-process.ts';
import { whenTold } from '../when.ts';
import type { Steps } from './steps.ts';

const REQUEST_MS = 60_000;
const CODE_SECONDS = 3_600;

/** The device that this machine's agent is. Errors: those of the engine and of the agent; DEVICE_QUARANTINED. */
export const enrolThisMachine = async (
  client: Client,
  status: Status,
  place: AgentPlace,
  steps: Steps,
  /** HOST:PORT at which the agent reaches the engine. */
  address = localAddress(status),
): Promise<Device> => {
  steps.begin('Enrolment');
  const present = await enrolledDevice(client, place, address, steps);
  if (present) {
    steps.there(`This machine is enrolled already, as ${present.name}.`);
    return present;
  }
  const interrupted = new AbortController();
  const code = await client.call('code.create', { uses: 1, expires_in: CODE_SECONDS, address });
  steps.say(`Made the enrolment code ${code.id}, good for one agent and one hour.`);
  const enrolling = enrollAgent(place, code.link, interrupted.signal);
  try {
    steps.say(
      'Started borealis-agent enroll; it has the link from standard input, where nobody else can read it.',
    );
    const fingerprint = await enrolling.fingerprint;
    steps.say(`The agent made its key and asks to be enrolled. It shows the fingerprint ${fingerprint}.`);
    steps.begin('Approval');
    const request = await waitForRequest(client, fingerprint);
    steps.lines(approvalFacts(request, steps));
    const decided = await approve(client, request);
    steps.say(`The fingerprints are the same: approved by ${decided.decided_by}.`);
    await enrolling.done;
  } catch (error) {
    interrupted.abort();
    await client.call('code.revoke', { code: code.id }).catch(() => {}); // used up already, which is as good
    throw error;
  }
  const { guid } = await agentStatus(place);
  if (guid === null) throw new BorealisError('NOT_ENROLLED');
  const device = await client.call('device.show', { device: guid });
  steps.say(`The agent proved that it holds the key and is now the device ${device.name} (${guid}).`);
  return device;
};

/** The engine listens on every address; this machine reaches it without leaving. */
const localAddress = ({ listeners }: Status): string => {
  const address = listeners.find(({ kind }) => kind === 'agent')?.address ?? '';
  const port = /:(\d+)$/.exec(address)?.[1] ?? '8443';
  const host = address.slice(0, -port.length - 1);
  return `${host === '0.0.0.0' || host === '[::]' || host === '' ? '127.0.0.1' : host}:${port}`;
};

/** Undefined where the agent must enrol; it then has forgotten whatever it was before. */
const enrolledDevice = async (
  client: Client,
  place: AgentPlace,
  address: string,
  steps: Steps,
): Promise<Device | undefined> => {
  const { enrolled, guid, engine } = await agentStatus(place);
  if (!enrolled || guid === null) return undefined;
  const device = await client.call('device.show', { device: guid }).catch((error: unknown) => {
    if (error instanceof BorealisError && error.code === 'DEVICE_NOT_FOUND') return undefined;
    throw error;
  });
  if (device?.state === 'quarantined') {
    throw new BorealisError('DEVICE_QUARANTINED', {
      next: `Release it with: borealisctl device release ${quoteForShell(device.name)}`,
    });
  }
  if (device && device.state !== 'revoked' && engine === address) return device;
  steps.say(
    device
      ? `The agent was enrolled at ${engine}${device.state === 'revoked' ? ' and revoked' : ''}; it enrols anew.`
      : 'The agent was enrolled with another engine; it enrols anew.',
  );
  await stopAgent(place);
  await unenrollAgent(place);
  return undefined;
};

const waitForRequest = async (client: Client, fingerprint: string): Promise<Approval> => {
  const found = await whenTold(client, ['approval.requested'], REQUEST_MS, async () =>
    (await client.call('approval.list', {})).find((approval) => approval.key_fingerprint === fingerprint),
  );
  if (found) return found;
  throw new BorealisError('TIMED_OUT', { detail: 'The request of the agent did not arrive.' });
};

const approvalFacts = (request: Approval, { out }: Steps): string[] =>
  facts(
    [
      ['Request', request.id],
      ['Host name', request.hostname],
      ['System', `${request.os} ${request.arch}, agent ${request.agent_version}`],
      ['From', request.address],
      // With this label it fits a line of 80 columns, and is not broken.
      ['Fingerprint', request.key_fingerprint],
      ['Clash', request.conflict && clash(request.conflict), 'yellow'],
    ],
    out.paint,
  );

const clash = ({ kind, device }: NonNullable<Approval['conflict']>): string =>
  kind === 'hostname' ? `${device} has this host name` : `this machine is enrolled already, as ${device}`;

/** The same machine with a new key keeps its name and history; a mere namesake is for a person to decide. */
const approve = async (client: Client, { id, conflict }: Approval): Promise<Approval> => {
  if (conflict?.kind === 'hostname') {
    const device = quoteForShell(conflict.device);
    throw new BorealisError('APPROVAL_CONFLICT', {
      detail: `Another machine with the host name of this one is enrolled as ${conflict.device}.`,
      next: `Decide: borealisctl approval approve ${id} --merge ${device}, or --overwrite ${device}`,
    });
  }
  return client.call('approval.approve', { approval: id, ...(conflict && { merge: conflict.device }) });
};
