import assert from 'node:assert/strict';
import type { HttpAnswer } from '../../src/steps/ports';
import { parseKatoInfo } from '../../src/machine/kato-output';
import { DeployError } from '../../src/deployment/errors';
import { eventually } from '../support/wait';
import { PORTS, TestMachines } from './appliance-support';
import type { TestMachine } from './appliance-support';

const NAME = 'dev.stackato.test';
const API = `api.${NAME}`;

describe("a simulated appliance's console", function () {
  this.timeout(60_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  const named = async (...args: Parameters<TestMachines['machine']>): Promise<TestMachine> => {
    const machine = await machines.machine(...args);
    await machine.job(`kato rename ${NAME}`);
    return machine;
  };
  const inside = (
    machine: TestMachine,
    method: 'GET' | 'POST',
    path: string,
    form?: Record<string, string>,
  ): Promise<HttpAnswer> =>
    machine.session((session) =>
      session.https({ port: 443, host: API, method, path, ...(form === undefined ? {} : { form }) }),
    );
  const codeOf = ({ body }: HttpAnswer): unknown => (JSON.parse(body) as { code: unknown }).code;
  const plain = (machine: TestMachine): Promise<Response> =>
    fetch(`http://${machine.ip}:${PORTS.http}/`, { redirect: 'manual' });

  it('answers at its names with a certificate for that name, and at hosts below it as the router does', async () => {
    const machine = await machines.machine({ release: '2.10.6' });
    const old = (machine.appliance.file('/etc/hostname') ?? '').trim();
    assert.deepEqual(
      [(await machine.get(old, '/info'))?.subject, (await machine.get(API, '/info'))?.status],
      [old, 404],
    );
    await machine.job(`kato node rename ${NAME}`);
    const api = (await machine.get(API, '/info'))!;
    const { name, version, vendor_version } = JSON.parse(api.body) as Record<string, unknown>;
    assert.deepEqual(
      [api.status, api.subject, name, version, vendor_version],
      [200, NAME, 'stackato', '0.999', 'v2.10.6'],
    );
    assert.match((await machine.get(NAME, '/'))?.body ?? '', /Management Console/);
    assert.equal((await machine.get(`some-app.${NAME}`, '/'))?.status, 404);
    assert.equal((await plain(machine)).status, 200);
    const { mbusip, micro_cloud } = JSON.parse((await machine.get(API, '/stackato/info'))?.body ?? '') as Record<
      string,
      unknown
    >;
    assert.deepEqual([mbusip, micro_cloud], [parseKatoInfo((await machine.kato('info')).stdout)?.mbusIp, true]);
  });

  it('with the knob, redirects to https without a port', async () => {
    const machine = await machines.machine({ httpRedirect: true });
    const answer = await plain(machine);
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, `https://${machine.ip}/`]);
  });

  it('can be reached from the machine itself while its ports are closed', async () => {
    const machine = await named();
    await machine.appliance.setRules([{ port: PORTS.ssh, cidr: '0.0.0.0/0' }]);
    assert.equal(await machine.get(API, '/info'), undefined);
    assert.equal((await inside(machine, 'GET', '/info')).status, 200);
    await assert.rejects(
      machine.session((session) => session.https({ port: 8443, host: API, method: 'GET', path: '/' })),
      (error) => error instanceof DeployError && error.code === 'CONSOLE_NOT_UP',
    );
  });

  it("creates the first administrator, whose password becomes the account's", async () => {
    const machine = await named();
    const missing = await inside(machine, 'GET', '/stackato/license');
    assert.deepEqual([missing.status, codeOf(missing)], [403, 100]);
    const post = (form: Record<string, string>): Promise<HttpAnswer> =>
      inside(machine, 'POST', '/stackato/license', form);
    assert.equal(codeOf(await post({ password: 'secret-1' })), 103);
    assert.equal(codeOf(await post({ email: 'a@b', password: 'secret-1' })), 104);
    assert.equal(codeOf(await post({ email: 'a@b.test', password: '1234' })), 105);
    const made = await post({ email: 'a@b.test', password: 'secret-1', unix_password: 'secret-1' });
    assert.deepEqual([made.status, typeof (JSON.parse(made.body) as { token: unknown }).token], [200, 'string']);
    await assert.rejects(
      post({ email: 'a@b.test', password: 'secret-2' }),
      (error) => error instanceof DeployError && error.code === 'SSH_AUTH',
    );
    const again = await machine.session(
      (session) => session.https({ port: 443, host: API, method: 'POST', path: '/stackato/license', form: {} }),
      { password: 'secret-1' },
    );
    assert.deepEqual([again.status, codeOf(again)], [500, 101]);
    assert.ok(!JSON.stringify(machine.appliance.invocations()).includes('secret-1'));
  });

  it('keeps a password that is not the factory password', async () => {
    const machine = await machines.machine({ password: 'mine' });
    const host = (machine.appliance.file('/etc/hostname') ?? '').trim();
    const form = { email: 'a@b.test', password: 'secret-1' };
    await machine.session(
      (session) => session.https({ port: 443, host, method: 'POST', path: '/stackato/license', form }),
      { password: 'mine' },
    );
    assert.equal(
      await machine.session((session) => session.exec('echo in').then(({ stdout }) => stdout), { password: 'mine' }),
      'in\n',
    );
  });

  it('is down for a while after roles were enabled, or forever', async () => {
    const machine = await named({ consoleDelay: 600 });
    await machine.job('kato enable --all-but mdns', { need: 'first' });
    await eventually('the console', async () => (await machine.get(API, '/info'))?.status === 200);
    machine.appliance.setKnobs({ consoleDelay: -1 });
    await machine.job('kato enable --all-but mdns', { need: 'second' });
    assert.deepEqual([(await machine.get(API, '/info'))?.status, (await machine.get(NAME, '/'))?.status], [503, 503]);
  });

  it('is not up before the machine is', async () => {
    const machine = await machines.machine({ readyDelay: 60_000 });
    assert.equal((await machine.get('127.0.0.1', '/info'))?.status, 502);
  });
});
