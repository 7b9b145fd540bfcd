/** The first boot of an image with cloud-init, on machines of the lab, as `connect` and `cloud-init` see it. */

import assert from 'node:assert/strict';
import type { Knobs } from '../../lab/knobs';
import { createRemote } from '../../src/adapters/ssh';
import { KnownSecrets } from '../../src/activities/known-secrets';
import type { StepInput } from '../../src/deployment/activities';
import { DeployError, errorRow } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { checkNames, isRenamed, READ_NAMES } from '../../src/machine/rename-check';
import { cloudInit } from '../../src/steps/cloud-init';
import { resolveUserData } from '../../src/steps/cloud/user-data';
import { connect } from '../../src/steps/connect';
import type { Dependencies } from '../../src/steps/dependencies';
import { readSections, withSession } from '../../src/steps/machine/session';
import type { Cloud } from '../../src/steps/ports';
import { PORTS, TestMachines } from '../lab/appliance-support';
import type { TestMachine } from '../lab/appliance-support';
import { secretsFrom } from '../support/secrets';
import { specNamed } from '../support/specs';
import { eventually } from '../support/wait';
import { attemptOf, dependencies } from '../steps/support';

const PASSWORD = 'first-boot-Pw1';
const BASE = specNamed('dev');

/** Values by variable. */
type Values = Readonly<Record<string, string | Buffer>>;

interface Setting {
  readonly knobs?: Partial<Knobs>;
  readonly spec?: Partial<DeploymentSpec>;
  readonly ownUserData?: string;
  readonly password?: string;
}

describe('the first boot of an image with cloud-init', function () {
  this.timeout(60_000);
  let machines: TestMachines;
  before(() => (machines = new TestMachines()));
  after(() => machines.close());

  async function started({ knobs = {}, spec = {}, ownUserData, password = 'stackato' }: Setting): Promise<Run> {
    const values: Values = { PW: password, ...(ownUserData === undefined ? {} : { UD: ownUserData }) };
    const whole: DeploymentSpec = {
      ...BASE,
      image: { id: 'emi-12345678', cloudInit: true },
      ...spec,
      instance: {
        ...BASE.instance,
        ...spec.instance,
        ...(ownUserData === undefined ? {} : { userData: { env: 'UD' } }),
      },
      ssh: { user: 'stackato', port: PORTS.ssh, password: { env: 'PW' }, ...spec.ssh },
    };
    const secrets = new KnownSecrets(secretsFrom((ref) => values['env' in ref ? ref.env : ref.file] ?? ''));
    const userData = await resolveUserData(dependencies({ secrets }), whole);
    const machine = await machines.machine({ cloudInit: true, ...knobs }, 2048, '', userData?.reveal());
    return new Run(whole, secrets, machine);
  }

  it('13: works: its end is waited for, and the machine is logged in to and known', async () => {
    const run = await started({});
    assert.equal(await run.toEnd(), 'first boot is over');
    assert.deepEqual(run.known.firstBootOver, 'i-1');
    // The user data is what the machine was given.
    assert.match(run.machine.appliance.file('/var/lib/cloud/instance/user-data.txt') ?? '', /^#cloud-config\n/);
  });

  it('13: what it renamed is seen as renamed, so that no step does it again', async () => {
    const run = await started({ ownUserData: '#cloud-config\nstackato:\n  extname: dev.stackato.test\n' });
    await run.toEnd();
    assert.ok(await run.isRenamed());
    assert.deepEqual(
      run.machine.programs().filter((each) => each.includes('rename')),
      [],
    );
  });

  it('a name that changes late is not taken for a failure', async () => {
    const run = await started({
      ownUserData: '#cloud-config\nstackato: { extname: dev.stackato.test }\n',
      knobs: { cloudInitRenamesLate: 600 },
    });
    assert.equal(await run.toEnd(), 'first boot is over');
    await eventually('the name', () => run.isRenamed());
  });

  const REPAIRED: readonly (readonly [Knobs['cloudInitFails'], string])[] = [
    ['module', 'the module stackato'],
    ['rename', 'the module stackato'],
  ];
  for (const version of ['0.6.3', '0.7.5'] as const) {
    for (const [cloudInitFails, what] of REPAIRED) {
      it(`13: half works: ${cloudInitFails} fails (${version}), is named, and left to the ordinary steps`, async () => {
        const run = await started({
          ownUserData: '#cloud-config\nstackato:\n  extname: dev.stackato.test\n',
          knobs: { cloudInitFails, cloudInitVersion: version },
        });
        const note = await run.toEnd();
        assert.ok(note.startsWith(`first boot is over; failed: ${what} ("`), note);
        assert.match(note, /stackato.*failed"\), made up for by the steps from rename on/);
        assert.equal(await run.isRenamed(), false);
      });
    }

    const FATAL: readonly (readonly [Knobs['cloudInitFails'], string, RegExp])[] = [
      ['packages', '#cloud-config\npackages: [nosuchpackage]\n', /installing packages \(".*apt-update-upgrade/],
      ['script', '#!/bin/sh\nfalse\n', /the user's scripts \(".*scripts-user/],
      ['passwords', '#cloud-config\nchpasswd: { list: "ops:x", expire: false }\n', /the passwords \(".*set-passwords/],
      [
        'marker',
        '#cloud-config\nruncmd: []\n',
        /a task of Stackato's first boot \("~\/\.stackato-firstboot-error: 50-config/,
      ],
    ];
    for (const [cloudInitFails, ownUserData, says] of FATAL) {
      it(`13: ${cloudInitFails} fails (${version}): CLOUD_INIT_FAILED, with the line of the log`, async () => {
        const run = await started({ ownUserData, knobs: { cloudInitFails, cloudInitVersion: version } });
        const error = await run.failure();
        assert.equal(error.code, 'CLOUD_INIT_FAILED');
        assert.match(error.message, says);
      });
    }

    it(`13: a cloud-config that is not YAML (${version}) is named; the user's own cannot be made up for`, async () => {
      const run = await started({
        ownUserData: '#cloud-config\npackages: [git\nx: {\n',
        knobs: { cloudInitVersion: version },
      });
      const error = await run.failure();
      assert.deepEqual([error.code, /reading the cloud-config/.test(error.message)], ['CLOUD_INIT_FAILED', true]);
    });
  }

  it('stops half-way: what is not there is seen as not there', async () => {
    const run = await started({
      ownUserData: '#cloud-config\nstackato:\n  extname: dev.stackato.test\n',
      knobs: { cloudInitFails: 'half' },
    });
    await run.toEnd();
    assert.equal(await run.isRenamed(), false);
  });

  it('13: never ends: CLOUD_INIT_RUNNING, with the end of its log', async () => {
    const run = await started({ knobs: { cloudInitTakes: -1 } });
    const error = await run.failure(3_000);
    assert.equal(error.code, 'CLOUD_INIT_RUNNING');
    assert.match(error.message, /its log ends with ".*cloud-init start running/);
  });

  it('an image without it is named as such once kato is ready', async () => {
    const run = await started({ knobs: { cloudInit: false } });
    const error = await run.failure();
    assert.deepEqual([error.code, /no sign of cloud-init/.test(error.message)], ['CLOUD_INIT_FAILED', true]);
  });

  it('shows no secret of the user data that a log repeats', async () => {
    const run = await started({
      ownUserData: '#cloud-config\npackages: [Tok3n-abcdef]\n',
      knobs: { cloudInitFails: 'packages' },
    });
    const error = await run.failure();
    // Only the first line of a failure is quoted, and this is in the second: what masks it is tried by itself.
    assert.equal(run.secrets.mask('E: Unable to locate package Tok3n-abcdef'), 'E: Unable to locate package [secret]');
    assert.doesNotMatch(run.secrets.mask(error.message), /Tok3n/);
  });

  describe('changes the password', () => {
    const spec: Partial<DeploymentSpec> = { instance: { type: 'm1.large', cloudInit: { passwords: true } } };

    it('13: to ssh.password: refused before, accepted after', async () => {
      const run = await started({ spec, password: PASSWORD });
      assert.equal(await run.toEnd(), 'first boot is over');
      // By itself, without the factory's.
      await withSession(run.deps, run.input, () => Promise.resolve());
    });

    it('13: fails to: CLOUD_INIT_FAILED', async () => {
      const run = await started({ spec, password: PASSWORD, knobs: { cloudInitFails: 'passwords' } });
      const error = await run.failure();
      assert.deepEqual([error.code, /did not set the password/.test(error.message)], ['CLOUD_INIT_FAILED', true]);
      assert.doesNotMatch(error.message, new RegExp(PASSWORD));
    });

    it("by the user's own user data: waited for until the console says that the first boot is over", async () => {
      const ownUserData = `#cloud-config\nchpasswd: { list: "stackato:${PASSWORD}", expire: false }\n`;
      const run = await started({ ownUserData, password: PASSWORD, knobs: { cloudInitTakes: 1_500 } });
      const seen = new Set<string>();
      await run.toEnd((error) => seen.add(error.code));
      assert.ok(seen.has('CLOUD_INIT_RUNNING') && !seen.has('SSH_AUTH'), [...seen].join());
    });

    it('to another than ssh.password: refused for good once the first boot is over', async () => {
      const run = await started({
        ownUserData: '#cloud-config\nchpasswd: { list: "stackato:RANDOM", expire: false }\n',
        knobs: { cloudInitTakes: 600 },
      });
      await eventually('its end', () => /finished at/.test(run.machine.appliance.consoleOutput()));
      assert.equal((await run.failure(1_000)).code, 'SSH_AUTH');
    });
  });

  describe('makes a new host key', () => {
    const knobs: Partial<Knobs> = { cloudInitHostKey: 'new', cloudInitTakes: 1_200 };

    it('13: which is pinned instead, once, because the console shows it; a later one stops the deployment', async () => {
      const run = await started({ knobs });
      await run.learn(connect.activities.pinHostKey);
      const first = run.known.hostKey;
      await run.toEnd();
      assert.notEqual(run.known.hostKey, first);
      assert.equal(run.known.hostKey, await run.machine.hostKey());
      assert.equal(run.known.hostKeyRenewed, 'i-1');

      run.machine.appliance.setKnobs({ newHostKeyAtBoot: true });
      await run.machine.reboot();
      await eventually('ssh', () => run.machine.reached());
      const later = await run.failure(5_000);
      assert.equal(later.code, 'SSH_HOST_KEY');
    });

    it('13: a second one during the same first boot stops the deployment', async () => {
      const run = await started({ knobs: { ...knobs, cloudInitTakes: 600 } });
      await run.learn(connect.activities.pinHostKey);
      await eventually('its end', () => /finished at/.test(run.machine.appliance.consoleOutput()));
      await run.learn(cloudInit.activities.awaitFirstBoot);
      assert.deepEqual([run.known.hostKeyRenewed, run.known.firstBootOver], ['i-1', undefined]);
      // The console shows this one, too.
      run.machine.appliance.setKnobs({ newHostKeyAtBoot: true });
      await run.machine.reboot();
      await eventually('ssh', () => run.machine.reached());
      assert.equal((await run.failure(3_000)).code, 'SSH_HOST_KEY');
    });

    it('13: which the console does not show: no login, and SSH_HOST_KEY at its end', async () => {
      const run = await started({ knobs: { ...knobs, cloudInitHostKey: 'unprinted' } });
      await run.learn(connect.activities.pinHostKey);
      const seen = new Set<string>();
      const error = await run.failure(8_000, (each) => seen.add(each.code));
      assert.equal(error.code, 'SSH_HOST_KEY', [...seen].join());
    });

    it('with ssh.hostKey: console it is waited for, and pinned at once', async () => {
      const run = await started({
        knobs,
        spec: { ssh: { user: 'stackato', port: PORTS.ssh, password: { env: 'PW' }, hostKey: 'console' } },
      });
      await run.toEnd();
      assert.equal(run.known.hostKey, await run.machine.hostKey());
      assert.equal(run.known.hostKeyRenewed, undefined);
    });
  });
});

/** Goes through the activities as the workflow does. */
class Run {
  known: Known;
  readonly deps: Dependencies;

  constructor(
    private readonly spec: DeploymentSpec,
    readonly secrets: KnownSecrets,
    readonly machine: TestMachine,
  ) {
    this.known = { address: { publicIp: machine.ip, allocated: true }, instance: { id: 'i-1' } };
    const cloud = { consoleOutput: () => Promise.resolve(machine.appliance.consoleOutput()) } satisfies Partial<Cloud>;
    this.deps = dependencies({
      secrets,
      remote: createRemote(secrets),
      clouds: {
        open: () => Promise.resolve(cloud as unknown as Cloud),
        store: () => Promise.reject(new Error('none')),
      },
    });
  }

  get input(): StepInput {
    return { spec: this.spec, node: 'core', known: this.known, need: 'r-1', deadline: 60_000 };
  }

  async learn(work: (typeof connect.activities)['pinHostKey']): Promise<string> {
    const outcome = await work(this.deps, this.input, attemptOf());
    this.known = { ...this.known, ...outcome.known };
    return outcome.note;
  }

  /** @returns the note of `cloud-init` */
  async toEnd(onError: (error: DeployError) => void = () => undefined, ms = 30_000): Promise<string> {
    const { pinHostKey, logIn, awaitKato } = connect.activities;
    let note = '';
    const { awaitFirstBoot, awaitRestOfFirstBoot } = cloudInit.activities;
    for (const work of [pinHostKey, logIn, awaitKato, awaitFirstBoot, awaitRestOfFirstBoot])
      note = (await this.polled(work, onError, Date.now() + ms)) || note;
    return note;
  }

  async failure(ms = 30_000, onError?: (error: DeployError) => void): Promise<DeployError> {
    try {
      await this.toEnd(onError, ms);
    } catch (error) {
      if (error instanceof DeployError) return error;
      throw error;
    }
    throw new Error('it did not fail');
  }

  isRenamed(): Promise<boolean> {
    return withSession(this.deps, this.input, async (session) =>
      isRenamed(checkNames(await readSections(session, READ_NAMES), this.spec.dns.name)),
    );
  }

  private async polled(
    work: (typeof connect.activities)['pinHostKey'],
    onError: (error: DeployError) => void,
    until: number,
  ): Promise<string> {
    for (;;) {
      try {
        return await this.learn(work);
      } catch (error) {
        if (!(error instanceof DeployError)) throw error;
        onError(error);
        if (errorRow(error.code).retry === 'no' || Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
