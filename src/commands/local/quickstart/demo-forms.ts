/** What is read of demo-host.ts's record and of ip(8). By itself: zod takes as long to load as the rest of a command. */
import { z } from 'zod';

export const record = z.strictObject({
  device: z.string(),
  router: z.string(),
  cable: z.string(),
  /** This machine, as the device reaches it. */
  engine_address: z.string(),
});
export type DemoRecord = z.infer<typeof record>;

export const routes = z.array(z.looseObject({ dst: z.string().optional() }));
export const linkNames = z.array(z.looseObject({ ifname: z.string() }));
