/** `45s`: a whole number and one unit. A bare number would be seconds to one reader and milliseconds to another. */

import { says } from './problems';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const DURATION_PATTERN = '^[0-9]{1,9}(ms|s|m|h)$';
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;

const REMEDY = 'write a whole number and a unit: 500ms, 45s, 10m or 2h';

export const NO_UNIT = says('has no unit', REMEDY);

/** Of a text without a fault. */
export function milliseconds(text: string): number {
  const [, count = '', unit = ''] = DURATION.exec(text) ?? [];
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

export function durationFault(text: string, least: string, most: string): string | undefined {
  if (!DURATION.test(text)) return says('is not a duration', REMEDY);
  const value = milliseconds(text);
  if (value >= milliseconds(least) && value <= milliseconds(most)) return undefined;
  return says('is out of range', `give something from ${least} to ${most}`);
}
