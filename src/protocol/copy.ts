/** Copying files to and from devices, through their tunnels. What is spoken between the two ends is declared below. */
import { z } from 'zod';
import { copyPath } from './agent-port.ts';
import { operation } from './operation.ts';
import { deviceRef } from './scalars.ts';

export const copyOperations = {
  /**
   * While the stream is open, processes of the caller's user may reach the agent's port. The first message comes when
   * packets pass; a token opens one connection, so another message follows when the caller asks anew.
   */
  'copy.open': operation({
    method: 'GET',
    path: '/copies/{device}',
    transport: 'stream',
    role: 'operator',
    summary: 'Open the way for one copy to or from a device.',
    /** Files are what it is for: it is audited like any change. */
    changes: true,
    input: z.strictObject({
      device: deviceRef,
      direction: z.enum(['to_device', 'from_device']),
      path: copyPath,
    }),
    output: z.strictObject({ address: z.string(), port: z.number().int(), token: z.string() }),
  }),
};
