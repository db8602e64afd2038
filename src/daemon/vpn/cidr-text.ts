import { isIPv4, isIPv6 } from 'node:net';

/** ADDRESS/LENGTH, either family, no zone. */
export const isCidr = (text: string): boolean => {
  const match = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  if (!match) return false;
  const [, address = '', length = ''] = match;
  return (isIPv4(address) && Number(length) <= 32) || (isIPv6(address) && Number(length) <= 128);
};
