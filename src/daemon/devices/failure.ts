/** What a device says has gone wrong there, as an error of the engine's. */
import { BorealisError, ERRORS, type ErrorCode, isErrorCode } from '../../protocol/errors.ts';

export interface SaidFailure {
  readonly error_code: string | null;
  readonly error: string | null;
}

/** `otherwise`: where it names no error that is known here. */
export const deviceFailure = (
  name: string,
  { error_code, error }: SaidFailure,
  otherwise: ErrorCode = 'COMMAND_FAILED',
): BorealisError => {
  const code = isErrorCode(error_code) ? error_code : otherwise;
  const { message } = ERRORS[code];
  // The error begins with its sentence already: once is enough.
  const rest = error?.startsWith(message) ? error.slice(message.length).trim() : error;
  const detail = rest === '' ? `${name} is meant.` : `${name} says: ${rest ?? 'it could not be done.'}`;
  return new BorealisError(code, { detail });
};
