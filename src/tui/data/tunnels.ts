/** Tunnels of devices, by the operations of src/protocol/tunnel.ts. */
import type { CallOptions, Client } from '../../client/client.ts';
import type { Tunnel } from '../../protocol/tunnel.ts';

export interface Ports {
  readonly allowed_ports: string[];
}

interface TunnelCalls {
  call(name: 'tunnel.list', input: object, options?: CallOptions): Promise<Tunnel[]>;
  call(name: 'tunnel.connect' | 'tunnel.disconnect', input: { device: string }): Promise<Tunnel>;
  call(name: 'tunnel.ports', input: { device: string }, options?: CallOptions): Promise<Ports>;
  call(name: 'tunnel.allow', input: { device: string; ports: string[] }): Promise<Ports>;
}

export const tunnelCalls = (client: Client): TunnelCalls => client as unknown as TunnelCalls;
