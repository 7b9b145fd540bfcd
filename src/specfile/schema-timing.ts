/**
 * Section `timing`. A duration is a whole number with a unit, such as `45s`: a bare number would be seconds to one reader and milliseconds
 * to another.
 */

import { mapping, text } from './fields';
import { withHint } from './problems';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const DURATION_PATTERN = '^[0-9]{1,9}(ms|s|m|h)$';
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;

const REMEDY = 'write a whole number and a unit: 500ms, 45s, 10m or 2h';

const NO_UNIT = withHint('has no unit', REMEDY);

/** @param text a duration that was checked */
export function milliseconds(text: string): number {
  const [, count = '', unit = ''] = DURATION.exec(text) ?? [];
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

function durationFault(text: string, least: string, most: string): string | undefined {
  if (!DURATION.test(text)) return withHint('is not a duration', REMEDY);
  const value = milliseconds(text);
  if (value >= milliseconds(least) && value <= milliseconds(most)) return undefined;
  return withHint('is out of range', `give something from ${least} to ${most}`);
}

/** Stays text here; normalize.ts turns it into milliseconds. */
function duration(about: string, [least, most]: readonly [least: string, most: string], example: string) {
  return text({
    about,
    expects: 'a duration with its unit',
    example,
    fault: (value) => durationFault(value, least, most),
    pattern: DURATION_PATTERN,
    ofNumber: NO_UNIT,
  });
}

export const DEFAULT_POLL = '5s';

export const DEADLINES = {
  cloud: { normal: '10m', about: 'For a call to the cloud to succeed.' },
  dns: { normal: '5m', about: 'For the name server to take the update and answer with it.' },
  launch: { normal: '15m', about: 'For the instance to run.' },
  ready: { normal: '20m', about: 'For ssh to answer and kato to be ready.' },
  command: { normal: '45m', about: 'For one kato command.' },
  reboot: { normal: '20m', about: 'For the machine to come back with a new boot id.' },
  console: { normal: '20m', about: 'For the console to answer through its name.' },
  publish: { normal: '6h', about: 'For kernel, ramdisk or image to be bundled, uploaded and registered.' },
} as const;

const deadline = ({ about, normal }: { about: string; normal: string }) =>
  duration(about, ['1s', '24h'], normal).default(normal);

export const timing = mapping(
  {
    poll: duration('Pause between two polls of something that takes time.', ['100ms', '10m'], DEFAULT_POLL).default(
      DEFAULT_POLL,
    ),
    rebootWait: duration('How long to wait for the reboot before the first poll.', ['0s', '1h'], '45s').default('45s'),
    authGrace: duration(
      'How long a refused login counts as "the account is not there yet".',
      ['0s', '1h'],
      '60s',
    ).default('60s'),
    deadline: mapping(
      {
        cloud: deadline(DEADLINES.cloud),
        dns: deadline(DEADLINES.dns),
        launch: deadline(DEADLINES.launch),
        ready: deadline(DEADLINES.ready),
        command: deadline(DEADLINES.command),
        reboot: deadline(DEADLINES.reboot),
        console: deadline(DEADLINES.console),
        publish: deadline(DEADLINES.publish),
      },
      {
        about: 'How long a step may fail or wait before it needs attention.',
        expects: 'a mapping',
        example: '{ launch: 30m }',
      },
    ).prefault({}),
  },
  { about: 'Pauses and deadlines.', expects: 'a mapping', example: '{ poll: 5s }' },
).prefault({});
