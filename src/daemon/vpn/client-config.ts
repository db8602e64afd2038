/** The text that a WireGuard client takes: wg-quick(8), and the apps that read the same. */

export interface ClientSide {
  /** Null: the client brought its own public key and puts its private key in. */
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

/** Seconds: keeps the way open through a NAT (WireGuard's own documentation). */
const KEEPALIVE = 25;

export const clientConfigText = (side: ClientSide): string =>
  [
    `# ${side.service.name}`,
    '[Interface]',
    side.privateKey === null
      ? '# PrivateKey = the one of the public key that you gave'
      : `PrivateKey = ${side.privateKey}`,
    `Address = ${side.addresses.join(', ')}`,
    ...(side.dns.length > 0 ? [`DNS = ${side.dns.join(', ')}`] : []),
    `MTU = ${side.mtu}`,
    '',
    '[Peer]',
    `PublicKey = ${side.service.publicKey}`,
    ...(side.presharedKey === null ? [] : [`PresharedKey = ${side.presharedKey}`]),
    `Endpoint = ${side.service.endpoint}`,
    `AllowedIPs = ${side.allowedIps.join(', ')}`,
    `PersistentKeepalive = ${KEEPALIVE}`,
    '',
  ].join('\n');
