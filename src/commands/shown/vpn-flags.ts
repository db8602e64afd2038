/** Flags of connections. */
import { string } from '@oclif/core/flags';

/** As the protocol has it: CIDR, CIDR:PORT, CIDR:PORT/PROTO. */
export const allowFlag = (summary: string) =>
  string({
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpValue: 'CIDR[:PORT[/PROTO]],…',
    summary,
  });
