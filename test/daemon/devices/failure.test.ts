import { expect, test } from 'vitest';
import { deviceFailure } from '../../../src/daemon/devices/failure.ts';
import { BorealisError, ERRORS } from '../../../src/protocol/errors.ts';

const { message } = ERRORS.HA_NO_INTERFACE;
const told = (detail?: string): string =>
  new BorealisError('HA_NO_INTERFACE', { ...(detail && { detail }) }).message;

test.each([
  [
    'HA_NO_INTERFACE',
    told('No interface has an address there.'),
    `${message} north says: No interface has an address there.`,
  ],
  ['HA_NO_INTERFACE', told(), `${message} north is meant.`],
  ['HA_NO_INTERFACE', 'Something else.', `${message} north says: Something else.`],
  ['HA_NO_INTERFACE', null, `${message} north says: it could not be done.`],
  ['OF_ANOTHER_VERSION', 'New.', `${ERRORS.COMMAND_FAILED.message} north says: New.`],
])('what a device says under %s, %j, is told once', (error_code, error, wanted) => {
  expect(deviceFailure('north', { error_code, error }).message).toBe(wanted);
});
