import type { Clock } from '../../sys/clock.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
export interface TransportParts {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly endpoint: string;
  readonly peer: () => Promise<{
    readonly receivedBytes: number;
    readonly lastHandshake: number | null;
  } | null>;
  readonly point: (endpoint: string, keepaliveSeconds: number) => Promise<void>;
  readonly onChange: (transport: 'udp' | 'relay') => void;
}
export class Transport {
  readonly current: 'udp' | 'relay' = 'udp';
  constructor(_parts: TransportParts) {}
  start(): void {}
  async close(): Promise<void> {}
}
