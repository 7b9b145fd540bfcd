/**
 * cloud-init's first boot: reads the user data, sets keys and passwords half-way, does the rest at its end, and writes
 * what the real one writes. Scripts and packages are only noted: commands of the user's would run on the lab's host.
 */

import { randomBytes } from 'node:crypto';
import { writeHosts, writeName } from '../identity';
import { HOME } from '../machine-files';
import type { SerialConsole } from '../serial-console';
import { USER } from '../ssh-login';
import type { Sshd } from '../sshd';
import type { State } from '../state';
import { mappingIn, mergedConfig, passwordsIn, textsIn } from './config';
import type { CloudConfig } from './config';
import { partsOf } from './user-data';
import type { Part } from './user-data';

const INSTANCE = '/var/lib/cloud/instance';
const LOG = '/var/log/cloud-init.log';
const OUTPUT = '/var/log/cloud-init-output.log';
const RESULT = '/run/cloud-init/result.json';
const MARKER = `${HOME}/.stackato-firstboot-error`;

export interface Surroundings {
  readonly state: State;
  readonly sshd: Sshd;
  readonly serial: SerialConsole;
  readonly userData: Buffer | undefined;
  /** Runs it, unless the machine has ended by then. */
  readonly later: (ms: number, step: () => Promise<void>) => void;
}

export class FirstBoot {
  over = false;
  private readonly parts: readonly Part[];
  private config: CloudConfig = {};
  private readonly errors: string[] = [];

  constructor(private readonly around: Surroundings) {
    const { state, userData } = around;
    this.over = !state.knobs.cloudInit;
    this.parts = this.over || userData === undefined ? [] : partsOf(userData);
  }

  /** At a boot, if no earlier one got to its end. */
  start(ended: () => void): void {
    const { state, later, userData } = this.around;
    const { cloudInitTakes, cloudInitVersion } = state.knobs;
    const boot = state.boots;
    const ifSameBoot = (step: () => Promise<void>) => (): Promise<void> =>
      state.boots === boot ? step() : Promise.resolve();
    this.log('INFO', `cloud-init start running, version ${cloudInitVersion}`);
    state.files.write(`${INSTANCE}/user-data.txt`, userData?.toString('latin1') ?? '');
    this.readConfig();
    if (cloudInitTakes < 0) return;
    later(
      cloudInitTakes / 2,
      ifSameBoot(() => this.setAccount()),
    );
    later(
      cloudInitTakes,
      ifSameBoot(async () => {
        await this.doRest();
        ended();
      }),
    );
  }

  private readConfig(): void {
    const { cloudInitVersion } = this.around.state.knobs;
    try {
      this.config = mergedConfig(this.parts, cloudInitVersion);
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
      if (cloudInitVersion === '0.6.3')
        this.log(
          'CRITICAL',
          `Failed loading of cloud config '${INSTANCE}/cloud-config.txt'. Continuing with empty config`,
        );
      else this.log('WARNING', `Failed loading yaml blob. ${why}`);
    }
    for (const { type } of this.parts.filter((part) => part.type === 'text/x-not-multipart'))
      this.log('WARNING', `Unhandled non-multipart (${type}) userdata`);
  }

  private setAccount(): Promise<void> {
    const { state, sshd, serial } = this.around;
    const { cloudInitHostKey, cloudInitFails, auth } = state.knobs;
    for (const command of textsIn(this.config, 'bootcmd')) this.log('INFO', `bootcmd ran ${command}`);
    if (cloudInitHostKey !== 'kept') sshd.changeKey();
    const [key] = textsIn(this.config, 'ssh_authorized_keys');
    if (key !== undefined) {
      state.files.write(`${HOME}/.ssh/authorized_keys`, `${textsIn(this.config, 'ssh_authorized_keys').join('\n')}\n`);
      state.setKnobs({ authorizedKey: key });
    }
    if (cloudInitFails === 'passwords') this.fail('set-passwords');
    else {
      for (const [user, given] of passwordsIn(this.config)) {
        const random = given === 'R' || given === 'RANDOM';
        const password = random ? randomBytes(6).toString('hex') : given;
        if (random) serial.print(`Set the following passwords\r\n${user}:${password}\r\n`);
        if (user === USER) state.password = password;
      }
    }
    const allowed = this.config['ssh_pwauth'];
    if (allowed === false) state.setKnobs({ auth: ['publickey'] });
    if (allowed === true && !auth.includes('password')) state.setKnobs({ auth: [...auth, 'password'] });
    return Promise.resolve();
  }

  private async doRest(): Promise<void> {
    const { state, sshd, serial, later } = this.around;
    const { cloudInitFails, cloudInitHostKey, cloudInitRenamesLate } = state.knobs;
    this.installPackages();
    const { extname } = mappingIn(this.config, 'stackato');
    if (cloudInitFails === 'module') this.fail('stackato');
    else if (typeof extname === 'string') {
      if (cloudInitRenamesLate > 0) later(cloudInitRenamesLate, () => this.rename(extname));
      else await this.rename(extname);
    }
    this.keepScripts();
    if (cloudInitFails === 'marker')
      state.files.write(MARKER, '50-config-redis.sh: config_redis did not start within 90 s\n');
    serial.firstBootOver(state.hostname, cloudInitHostKey === 'unprinted' ? undefined : sshd.hostKey);
    if (state.knobs.cloudInitVersion !== '0.6.3')
      state.files.write(RESULT, JSON.stringify({ v1: { datasource: 'DataSourceEc2', errors: this.errors } }));
    this.over = true;
    state.files.write(`${INSTANCE}/boot-finished`, '42.00\n');
  }

  private installPackages(): void {
    const packages = textsIn(this.config, 'packages');
    if (packages.length === 0) return;
    if (this.around.state.knobs.cloudInitFails !== 'packages')
      return this.log('INFO', `installed ${packages.join(' ')}`);
    this.append(OUTPUT, `E: Unable to locate package ${packages[0] ?? ''}`);
    this.fail('apt-update-upgrade');
  }

  private async rename(name: string): Promise<void> {
    const { state } = this.around;
    if (state.knobs.cloudInitFails === 'unnoticed') return;
    if (state.knobs.cloudInitFails === 'rename') {
      state.files.write(MARKER, `30-rename.sh: kato rename ${name} ended with 1\n`);
      return this.fail('stackato');
    }
    state.hostname = name;
    if (state.knobs.cloudInitFails === 'half') {
      state.files.write('/etc/hostname', `${name}\n`);
      return writeHosts(state);
    }
    state.endpoint = `api.${name}`;
    await writeName(state);
    state.restarted();
  }

  private keepScripts(): void {
    const { state } = this.around;
    const scripts = this.parts.filter(({ type }) => type === 'text/x-shellscript' || type === 'text/cloud-boothook');
    scripts.forEach(({ body }, i) => state.files.write(`${INSTANCE}/scripts/part-00${i + 1}`, body.toString('utf8')));
    if (scripts.length > 0 && state.knobs.cloudInitFails === 'script') this.fail('scripts-user');
  }

  private fail(module: string): void {
    if (this.around.state.knobs.cloudInitVersion === '0.6.3')
      return this.log('ERROR', `config handling of ${module}, None, [] failed`);
    const python = module.replaceAll('-', '_');
    this.log('WARNING', `Running ${module} (<module 'cloudinit.config.cc_${python}' from 'cc_${python}.pyc'>) failed`);
    this.errors.push(`('${module}', RuntimeError('failed'))`);
  }

  private log(level: string, text: string): void {
    this.append(
      LOG,
      `${new Date().toISOString().replace('T', ' ').replace('.', ',').slice(0, 23)} - __init__.py[${level}]: ${text}`,
    );
  }

  private append(file: string, line: string): void {
    const { files } = this.around.state;
    files.write(file, `${files.read(file) ?? ''}${line}\n`);
  }
}
