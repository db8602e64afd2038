/** Enrolment codes and the links that carry them. */
export { hashCode, newEnrolmentCode, normaliseCode } from './enrolment-code.ts';
export { DEFAULT_PORT, type EnrolmentLink, formatLink, parseLink } from './enrolment-link.ts';
