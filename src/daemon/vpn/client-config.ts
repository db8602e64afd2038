/** The text that a WireGuard client takes: wg-quick(8), and the apps that read the same; or wg(8), which takes less. */

export interface ClientSide {
  /** Null: the client has it already. */
  readonly privateKey: string | null;
  /** With their prefix lengths: `10.8.0.2/32`. */
  readonly addresses: readonly string[];
  readonly dns: readonly string[];
  readonly mtu: number;
  readonly service: {
    readonly name: string;
    readonly publicKey: string;
    readonly endpoint: string;
  };
  readonly presharedKey: string | null;
  /** What goes through the tunnel. */
  readonly allowedIps: readonly string[];
}

export type ConfigFormat = 'wg-quick' | 'wg' | 'compact';

/** Seconds: keeps the way open through a NAT (WireGuard's own documentation). */
const KEEPALIVE = 25;

export const clientConfigText = (side: ClientSide, format: ConfigFormat = 'wg-quick'): string =>
  format === 'compact' ? compact(whole(side, 'wg-quick')) : whole(side, format);

const whole = (side: ClientSide, format: 'wg-quick' | 'wg'): string => {
  const interfaceOnly = [
    `Address = ${side.addresses.join(', ')}`,
    ...(side.dns.length > 0 ? [`DNS = ${side.dns.join(', ')}`] : []),
    `MTU = ${side.mtu}`,
  ];
  return [
    `# ${side.service.name}`,
    '[Interface]',
    side.privateKey === null
      ? '# PrivateKey = the one that this client has'
      : `PrivateKey = ${side.privateKey}`,
    // `wg setconf` refuses what is not its own; for whoever reads it they stay.
    ...(format === 'wg' ? interfaceOnly.map((line) => `# ${line}`) : interfaceOnly),
    '',
    '[Peer]',
    `PublicKey = ${side.service.publicKey}`,
    ...(side.presharedKey === null ? [] : [`PresharedKey = ${side.presharedKey}`]),
    `Endpoint = ${side.service.endpoint}`,
    `AllowedIPs = ${side.allowedIps.join(', ')}`,
    `PersistentKeepalive = ${KEEPALIVE}`,
    '',
  ].join('\n');
};

/** For a QR code, in which each letter costs: the apps read it as well. */
const compact = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(' = ', '=').replaceAll(', ', ','))
    .join('\n');
