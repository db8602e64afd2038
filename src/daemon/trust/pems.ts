/** How a key pair with its certificate lies in the key ring. */
import { z } from 'zod';

export const keyPairPems = z.strictObject({ certificatePem: z.string(), privateKeyPem: z.string() });
export type KeyPairPems = z.infer<typeof keyPairPems>;
