/** What cloud-init's first boot did, as the machine's files tell; and which of its failures matter. */

import { inSections } from './shell';
import type { Sections } from './shell';

const LOG = '/var/log/cloud-init.log';
/** From 0.7 on. */
const OUTPUT = '/var/log/cloud-init-output.log';
/** Written by a first-boot task of Stackato that failed, from 3.4.1 on (bug 98824). */
const MARKER = '.stackato-firstboot-error';

/**
 * The lines of a log that may tell of a failure: newer logs have thousands of others. While the network comes up, the metadata service is
 * asked again and again, each time with `'http://169.254.169.254/…' failed [5/120s]: …`; what fails in the end has a line of its own.
 */
const troubleIn = (file: string): string =>
  `tail -c 400000 ${file} | grep -E 'ERROR|CRITICAL|[Ff]ail|^E: ' | grep -vE 'DEBUG|failed \\[[0-9.]+/([0-9.]+s|unlimited)\\]' | tail -n 40`;

/** The files themselves, not `cloud-init status`: 0.6.3 has no such command, and it says no more than result.json. */
export const READ_FIRST_BOOT = inSections({
  began: 'ls -d /var/lib/cloud/instance',
  finished: '[ -e /var/lib/cloud/instance/boot-finished ] && echo yes',
  marker: `[ -e ~/${MARKER} ] && { echo yes; tail -c 1000 ~/${MARKER}; }`,
  log: troubleIn(LOG),
  output: troubleIn(OUTPUT),
  last: `tail -n 1 ${LOG}`,
  unreadable: `for file in ${LOG} ${OUTPUT}; do [ ! -e "$file" ] || [ -r "$file" ] || echo "$file"; done`,
  result: 'cat /run/cloud-init/result.json',
});

export interface FirstBoot {
  readonly began: boolean;
  readonly over: boolean;
  readonly failures: readonly Failure[];
  /** The last line of its log. */
  readonly last: string;
  /** Logs that this account may not read. */
  readonly unreadable: readonly string[];
}

export interface Failure {
  readonly what: string;
  /** In cloud-init's words. */
  readonly line: string;
  /** What makes up for it; undefined: nothing that a deployment does. */
  readonly repairedBy?: string;
}

interface FailureRow {
  readonly what: string;
  readonly seen: RegExp;
  readonly repairedBy?: string;
  /** Made up for only if cloud-init had nothing to do but what the deployment asks for. */
  readonly oursOnly?: true;
}

/**
 * The first row that fits counts. What an ordinary step does anyway is told and passed over; the rest is the user's business. 0.6.3 writes
 * `config handling of <module>, None, [] failed`, later ones `Running module <module> (…) failed`.
 */
const FAILURES: readonly FailureRow[] = [
  // kato is a module of the vendor's, and all it is asked for is what the steps from `rename` to `enable-roles` do.
  {
    what: 'the module stackato',
    // The word by itself says nothing: it is also the account, its home directory, and part of the host name.
    seen: /(config handling of|module|Running) (config-)?stackato\b(?!-)|\('stackato',|cc_stackato|kato (node )?rename|extname/,
    repairedBy: 'the steps from rename on',
  },
  { what: 'the host name', seen: /(set|update)[_-](hostname|etc[_-]hosts)/, repairedBy: 'the step rename' },
  // We are logged in, so account and password are as the spec has them.
  {
    what: 'the passwords',
    seen: /set[-_]passwords|chpasswd/,
    repairedBy: 'nothing: the login of the spec works',
    oursOnly: true,
  },
  {
    what: 'the ssh keys',
    seen: /config handling of ssh\b|module (config-)?ssh\b|authorized_keys|keys[-_]to[-_]console/,
    repairedBy: 'nothing: the login of the spec works',
    oursOnly: true,
  },
  // Nothing of a cloud-config that cannot be read was done.
  {
    what: 'reading the cloud-config',
    seen: /yaml|failed (loading|at merging|parsing)/i,
    repairedBy: 'the steps from rename on',
    oursOnly: true,
  },
  { what: 'installing packages', seen: /apt|package|^E: /i },
  { what: 'bootcmd', seen: /bootcmd/ },
  { what: "the user's scripts", seen: /scripts[-_]user|run-?parts|runcmd|boothook/i },
];

/** Only sums up what has a line of its own. */
const SUMMARY = /errors running cloud_config|Failed to run module|status: error/;

/** @param asksForMore there is more in the user data than a deployment does itself: user data of the user's, or `bootcmd` */
export function parseFirstBoot(sections: Sections, asksForMore: boolean): FirstBoot {
  const text = (name: string): string => (sections[name] ?? '').trim();
  const lines = (name: string): string[] =>
    text(name)
      .split('\n')
      .filter((line) => line.trim() !== '');
  const [marked, ...marker] = lines('marker');
  const told = [...lines('log'), ...lines('output'), ...errorsOf(text('result'))].filter((line) => !SUMMARY.test(line));
  const failures = [
    ...told.map((line) => failureOf(line, asksForMore)),
    ...(marked === undefined ? [] : [markedFailure(marker.join(' '))]),
  ];
  return {
    began: text('began') !== '',
    over: text('finished') !== '' || marked !== undefined,
    failures: firstOfEach(failures),
    last: text('last'),
    unreadable: lines('unreadable'),
  };
}

function failureOf(line: string, asksForMore: boolean): Failure {
  const row = FAILURES.find(({ seen }) => seen.test(line));
  const { what = 'something', repairedBy, oursOnly } = row ?? {};
  const repaired = repairedBy !== undefined && !(oursOnly === true && asksForMore);
  return { what, line: line.trim(), ...(repaired ? { repairedBy } : {}) };
}

/** A task of Stackato's own. What the file says is not known; where it names the rename, `rename` does it again. */
function markedFailure(text: string): Failure {
  const what = "a task of Stackato's first boot";
  const line = `~/${MARKER}${text === '' ? '' : `: ${text}`}`;
  return /rename|hostname|extname/i.test(text)
    ? { what, line, repairedBy: 'the steps from rename on' }
    : { what, line };
}

function firstOfEach(failures: readonly Failure[]): Failure[] {
  return failures.filter(({ what }, i) => failures.findIndex((each) => each.what === what) === i);
}

/** `{ "v1": { "errors": ["…"] } }`, from 0.7.5 on. */
function errorsOf(json: string): string[] {
  try {
    const result: unknown = JSON.parse(json);
    const errors = valueOf(valueOf(result, 'v1'), 'errors');
    return Array.isArray(errors) ? errors.map((each) => `failed: ${String(each)}`) : [];
  } catch {
    return [];
  }
}

function valueOf(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null
    ? (Object.getOwnPropertyDescriptor(object, key)?.value as unknown)
    : undefined;
}

/** cloud-init's last message on the console: `cloud-init boot finished at …` (0.6), `Cloud-init v. … finished at …` (0.7 on). */
export function saysFirstBootOver(console: string): boolean {
  return /cloud-init (boot|v\. \S+) finished at /i.test(console);
}
