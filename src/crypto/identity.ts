/** How a device is named inside certificates and tokens: a GUID and one of its two contexts (DESIGN §4.7). */

export type DeviceContext = 'system' | 'user';

/** Lower-case RFC 9562 text, as `crypto.randomUUID()` writes it: one device has one spelling. */
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isGuid = (value: unknown): value is string => typeof value === 'string' && GUID.test(value);

export const isContext = (value: unknown): value is DeviceContext => value === 'system' || value === 'user';
