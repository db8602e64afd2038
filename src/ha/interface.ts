/** On which interface a floating address belongs. */
import { BorealisError } from '../protocol/errors.ts';
import { type AddressSeen, FOREVER, IFA_F, type LinkSeen } from '../sys/rtnetlink.linux.ts';
import { contains, numberOf, parseNetwork, textOf } from '../wg/addresses.ts';
import { network } from '../wg/cidr.ts';

const ARPHRD_ETHER = 1;
const BAD = IFA_F.temporary | IFA_F.deprecated | IFA_F.tentative | IFA_F.dadfailed;

export interface FloatingPlace {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly address: Buffer;
  readonly text: string;
  readonly link: LinkSeen;
  readonly ownAddress: string;
}

/** Seconds for which an address may be held at most: what lasts longer is not ours. */
export const LIFETIME_MAX = 60;

/** Put there by us, this process or one before it: others give networks, and stay. */
export const isFloating = ({ address, prefixLength, valid }: AddressSeen): boolean =>
  prefixLength === address.length * 8 && valid !== FOREVER && valid <= LIFETIME_MAX;

export const bytesOf = (address: string): Buffer =>
  Buffer.from(
    numberOf(address)
      .toString(16)
      .padStart(address.includes(':') ? 32 : 8, '0'),
    'hex',
  );

export const addressText = (bytes: Buffer): string =>
  textOf(BigInt(`0x${bytes.toString('hex')}`), bytes.length === 4 ? 4 : 6);

/**
 * `wanted`: `192.0.2.10/24`. The interface needs an address of its own in that network: the floating one is put there
 * without a route, and votes are heard at the other. Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, INVALID_INPUT.
 */
export const findPlace = (
  wanted: string,
  interfaceName: string | null,
  links: readonly LinkSeen[],
  addresses: readonly AddressSeen[],
): FloatingPlace => {
  const around = parseNetwork(network(wanted), 'The floating network');
  const address = bytesOf(wanted.split('/')[0] ?? '');
  const named = interfaceName === null ? links : links.filter(({ name }) => name === interfaceName);
  if (named.length === 0) throw none(`There is no interface ${interfaceName}.`);
  const places = named.flatMap((link) => {
    const own = addresses.find(
      (seen) =>
        seen.interfaceIndex === link.index &&
        (seen.flags & BAD) === 0 &&
        !isFloating(seen) &&
        !seen.address.equals(address) &&
        contains(around, hostOf(seen)),
    );
    return own ? [{ link, ownAddress: addressText(own.address) }] : [];
  });
  const [place, other] = places;
  if (!place) {
    const holder = named.find(({ index }) =>
      addresses.some(
        (seen) => seen.interfaceIndex === index && !isFloating(seen) && seen.address.equals(address),
      ),
    );
    if (holder)
      throw new BorealisError('HA_ADDRESS_TAKEN', {
        detail: `${holder.name} has ${addressText(address)}, and no other address in ${around.text}.`,
        next: 'The floating address comes beside an address of the device itself: choose one that nobody has.',
      });
    const subject = interfaceName === null ? 'No interface has an' : `${interfaceName} has no`;
    throw none(`${subject} address in ${around.text}.`);
  }
  if (other)
    throw none(`${places.map(({ link }) => link.name).join(' and ')} have an address in ${around.text}.`);
  const { type, name, hardwareAddress } = place.link;
  // Nobody could be told there who has the address, nor asked.
  if (type !== ARPHRD_ETHER || hardwareAddress.length !== 6) throw none(`${name} is no Ethernet interface.`);
  return { family: around.family, address, text: addressText(address), ...place };
};

const hostOf = ({ address, family }: AddressSeen) =>
  parseNetwork(`${addressText(address)}/${family === 4 ? 32 : 128}`, 'An address');

const none = (detail: string) => new BorealisError('HA_NO_INTERFACE', { detail });
