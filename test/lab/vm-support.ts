/** The kato of the real machine, without the machine: it runs here, on files in a temporary folder. */

import { DEFAULT_KNOBS } from '../../lab/knobs';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readDialogue } from '../../lab/appliance/dialogue';
import { familyOf } from '../../lab/appliance/kato/releases';
import type { Knobs } from '../../lab/knobs';
import { runJob } from '../../src/steps/machine/run-job';
import type { JobOutcome } from '../../src/steps/machine/run-job';
import type { ExecResult } from '../../src/steps/ports';
import type { PromptId } from '../../src/machine/dialogue';
import { checkNames } from '../../src/machine/rename-check';
import type { NameCheck } from '../../src/machine/rename-check';
import { withPath } from '../../src/machine/shell';
import { parseKatoInfo } from '../../src/machine/kato-output';
import { LocalVm } from '../machine/local-vm';

const GUEST = resolve('lab/vm/guest/rootfs');
export const NAME = 'dev.stackato.test';
export const NETWORK = {
  interface: 'eth0',
  address: '10.1.2.11',
  netmask: '255.255.255.0',
  gateway: '10.1.2.1',
  nameservers: ['172.16.0.23', '172.16.0.24'],
  search: ['cloud.internal'],
};
const QUICK: Partial<Knobs> = { katoTakes: 50 };

/** A fake sudo: asks on the terminal, and remembers the answer. */
const SUDO = `ticket=$HOME/ticket question='[sudo] password for stackato: '
if [ "$1" = -p ]; then question=$2; shift 2; fi
if [ ! -e "$ticket" ]; then
  [ "$1" != -n ] || { echo 'sudo: a password is required' >&2; exit 1; }
  tries=0
  while [ ! -e "$ticket" ]; do
    [ $tries -lt 3 ] || { echo 'sudo: 3 incorrect password attempts' >&2; exit 1; }
    [ $tries = 0 ] || echo 'Sorry, try again.' >&2
    stty -echo < /dev/tty || exit 1
    printf "$question" > /dev/tty
    IFS= read -r password < /dev/tty
    stty echo < /dev/tty
    echo > /dev/tty
    tries=$((tries + 1))
    [ "$password" != stackato ] || : > "$ticket"
  done
fi
[ "$1" != -n ] || shift
exec "$@"`;

/** The files of a virtual machine in a temporary folder, and its kato. */
export class GuestFiles {
  readonly vm = new LocalVm();
  private readonly root = this.vm.path('root');
  private knobs: Knobs;

  constructor(
    knobs: Partial<Knobs> = {},
    kib = 4_000_000,
    hostname = 'stackato-0000.local',
    address = NETWORK.address,
  ) {
    this.knobs = { ...DEFAULT_KNOBS, ...QUICK, ...knobs };
    for (const folder of ['/etc/ssl/certs', '/etc/ssl/private', '/home/stackato/stackato/logs', '/var/lib/stackato'])
      mkdirSync(this.root + folder, { recursive: true });
    this.write('/proc/meminfo', `MemTotal:       ${kib} kB\n`);
    this.write('/proc/sys/kernel/hostname', 'stackato\n');
    this.write('/etc/network/interfaces', 'auto eth0\niface eth0 inet dhcp\n');
    this.write('/run/stackato/up', '');
    this.write('/home/stackato/stackato/etc/kato/state.json', '');
    this.setKnobs({});
    this.python(
      `import state, admin; state.fresh('${hostname}', state.settings()); admin.name('${hostname}', state.LOOPBACK)`,
    );
    this.vm.program('sudo', SUDO);
    if (!this.knobs.sudoAsks) writeFileSync(this.vm.path('ticket'), '');
    this.vm.program(
      'kato',
      `KATO_ROOT='${this.root}' KATO_SUDO="$HOME/bin/sudo" exec python3 -IBS '${GUEST}/home/stackato/bin/kato' "$@"`,
    );
    this.vm.program(
      'ifconfig',
      `echo 'eth0: flags=4163<UP>  mtu 1500'; echo '        inet ${address}  netmask ${NETWORK.netmask}'`,
    );
    this.vm.program(
      'route',
      `echo '0.0.0.0         ${NETWORK.gateway}        0.0.0.0         UG    0      0        0 eth0'`,
    );
    this.write('/run/dnsmasq/resolv.conf', NETWORK.nameservers.map((server) => `nameserver ${server}\n`).join(''));
    this.write('/etc/resolv.conf', `nameserver 127.0.0.1\nsearch ${NETWORK.search.join(' ')}\n`);
  }

  /** Changes knobs while the machine runs. */
  setKnobs(knobs: Partial<Knobs>): void {
    this.knobs = { ...this.knobs, ...knobs };
    const { release, dialogue } = this.knobs;
    this.write(
      '/run/stackato/settings.json',
      JSON.stringify({ knobs: this.knobs, family: familyOf(release), dialogue: readDialogue(dialogue) }),
    );
  }

  /** Runs a line of Python with the guest's modules. */
  python(text: string): string {
    const line = `import sys; sys.path.insert(0, '${GUEST}/usr/lib/stackato'); ${text}`;
    return execFileSync('python3', ['-IBSc', line], {
      encoding: 'utf8',
      env: { ...process.env, KATO_ROOT: this.root },
    });
  }

  /** The machine's part in a cluster, which service.py runs on the real one. */
  member(text: string): ChildProcess {
    const line = `import sys; sys.path.insert(0, '${GUEST}/usr/lib/stackato'); import member; ${text}; member.Member().run()`;
    return spawn('python3', ['-IBSc', line], { env: { ...process.env, KATO_ROOT: this.root }, stdio: 'ignore' });
  }

  file(path: string): string {
    return existsSync(this.root + path) ? readFileSync(this.root + path, 'utf8') : '';
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.root + path), { recursive: true });
    // Renamed: the part in a cluster reads it at any time.
    writeFileSync(`${this.root}${path}.new`, text);
    renameSync(`${this.root}${path}.new`, this.root + path);
  }

  exec(command: string): Promise<ExecResult> {
    return this.vm.run(withPath(command));
  }

  async kato(words: string): Promise<ExecResult> {
    return this.exec(`kato ${words}`);
  }

  async info(): Promise<NonNullable<ReturnType<typeof parseKatoInfo>>> {
    return parseKatoInfo((await this.kato('info')).stdout)!;
  }

  job(command: string, answers: Partial<Record<PromptId, string>> = {}, budgetMs = 60_000): Promise<JobOutcome> {
    const need = command.replace(/\W+/g, '-').slice(0, 100);
    const all = { password: { reveal: () => 'stackato' }, ...answers };
    return runJob(
      this.vm.session(),
      { deployment: 'd', step: 's', need, command, answers: all },
      { budgetMs, patienceMs: 2000 },
    );
  }

  /** kato's log, oldest first. */
  noted(): string[] {
    const lines = this.file('/home/stackato/stackato/logs/kato.log')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { args: string[] }).args.join(' '));
  }

  identity(): NameCheck {
    const certificate = execFileSync(
      'openssl',
      ['x509', '-noout', '-subject', '-in', join(this.root, 'etc/ssl/certs/stackato.crt')],
      { encoding: 'utf8' },
    );
    return checkNames(
      {
        hostname: this.file('/proc/sys/kernel/hostname'),
        file: this.file('/etc/hostname'),
        hosts: this.file('/etc/hosts'),
        certificate,
      },
      NAME,
    );
  }
}
