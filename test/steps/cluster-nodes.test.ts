/** Steps that do something else on the machines of a cluster. */

import assert from 'node:assert/strict';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import { DeployError } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import type { ReleaseName } from '../../src/deployment/releases';
import { connect } from '../../src/steps/connect';
import { enableRoles } from '../../src/steps/enable-roles';
import { rename } from '../../src/steps/rename';
import type { StepWork } from '../../src/steps/step';
import { LocalVm } from '../machine/local-vm';
import { specNamed } from '../support/specs';
import { attemptOf, dependencies, remoteOf } from './support';

/** Keeps its state in files. `enable` and `role add` have an effect; `rename` has none. */
const KATO = `
case "$*" in
  version) echo "Stackato $(cat "$HOME/version")" ;;
  info) cat "$HOME/info" ;;
  status | 'process list') cat "$HOME/processes" ;;
  ready | 'process ready'*) echo no ;;
  *)
    printf '%s\\n' "$*" >> "$HOME/ran"
    case "$*" in 'enable '* | 'role add '*) shift; [ "$1" = add ] && shift; for role; do sed -i "s/^assigned.*/& $role/" "$HOME/info"; done ;; esac ;;
esac
exit 0`;

describe('on a machine of a cluster', function () {
  this.timeout(30_000);
  let vm: LocalVm;
  beforeEach(async () => {
    vm = new LocalVm();
    vm.program('kato', KATO);
    await vm.run('echo "router RUNNING" > processes; echo "assigned: router cloud_controller" > info');
  });
  afterEach(() => vm.dispose());

  const input = (release: ReleaseName, node: string, known: Partial<Known> = {}): StepInput => ({
    spec: specNamed('dev', {
      release,
      cluster: {
        coreRoles: ['stager', 'health_manager'],
        groups: [{ name: 'dea', roles: ['dea'], count: 1, instance: { type: 'm1.large' } }],
        rollout: { parallel: 5, canary: 1 },
        reach: 'core',
      },
    }),
    node,
    known: {
      address: { publicIp: '192.0.2.1', allocated: true },
      instance: { id: 'i-1', privateIp: '10.0.0.6' },
      hostKey: 'SHA256:x',
      ...known,
    },
    core: { instance: { id: 'i-core', privateIp: '10.0.0.5' }, hostKey: 'SHA256:core' },
    need: 'run1-1',
    deadline: 60_000,
  });
  const run = (work: StepWork, of: StepInput): Promise<StepOutcome> =>
    work(dependencies({ remote: remoteOf(() => vm.session()) }), of, attemptOf());
  const inClusterSince: Partial<Known> = { attached: { ip: '10.0.0.6' }, reboot: { before: 'a', after: 'b' } };

  it('14: the core gets the roles of the spec that it has not, once, in the words of the release', async () => {
    const work = enableRoles.activities.enableRoles;
    assert.equal((await run(work, input('2.6.7', 'core'))).changed, true);
    assert.equal((await run(work, { ...input('2.6.7', 'core'), need: 'run2-1' })).changed, false);
    assert.equal(vm.read('ran'), 'enable stager\nenable health_manager\n');
    assert.doesNotMatch(vm.read('info'), /dea|mysql/);
  });

  it('14: later releases take them at once, and what a core needs is enabled, too', async () => {
    await vm.run('echo "assigned: base router controller mysql" > info');
    assert.equal((await run(enableRoles.activities.enableRoles, input('2.10.6', 'core'))).changed, true);
    assert.equal(vm.read('ran'), 'role add primary stager health_manager\n');
    assert.match(vm.read('info'), /mysql/);
  });

  it('the core is not waiting for processes of other nodes', async () => {
    vm.program('kato', KATO.replace("status | 'process list')", 'status) echo "dea FATAL" ;; "process list")'));
    await vm.run('echo "assigned: base primary router controller stager health_manager" > info');
    assert.equal((await run(enableRoles.activities.enableRoles, input('2.10.6', 'core'))).changed, false);
  });

  const names = (hostname: string, hosts: string): void => {
    for (const [program, says] of [
      ['hostname', hostname],
      [
        'cat',
        `case $1 in /etc/hostname) echo ${hostname} ;; /etc/hosts) echo "10.0.0.6 ${hosts}" ;; *) exec /bin/cat "$@" ;; esac`,
      ],
      ['openssl', 'exit 1'],
    ] as const)
      vm.program(program, program === 'hostname' ? `echo ${says}` : says);
  };

  it('14: a node gets a name of its own, below that of the deployment', async () => {
    names('dea-1', 'dea-1.dev.stackato.test');
    const outcome = await run(rename.activities.renameNode, input('3.4.2', 'dea-1'));
    assert.deepEqual([outcome.changed, outcome.note], [false, 'dea-1.dev.stackato.test']);
    names('dev', 'dev.stackato.test');
    await assert.rejects(
      run(rename.activities.renameNode, input('3.4.2', 'dea-1')),
      (error: unknown) => error instanceof DeployError && error.code === 'COMMAND_NO_EFFECT',
    );
    assert.equal(vm.read('ran'), 'node rename --no-restart dea-1.dev.stackato.test\n');
  });

  it('14: a node that is attached is not renamed again, which would give the cluster another endpoint', async () => {
    names('dea-1', 'dev.stackato.test api.dev.stackato.test');
    const outcome = await run(rename.activities.renameNode, input('3.4.2', 'dea-1', inClusterSince));
    assert.deepEqual([outcome.changed, vm.read('ran')], [false, '']);
    // One that was announced by an instance that is gone has not been rebooted.
    await assert.rejects(run(rename.activities.renameNode, input('3.4.2', 'dea-1', { attached: { ip: '10.0.0.6' } })));
    assert.equal(vm.read('ran'), 'node rename --no-restart dea-1.dev.stackato.test\n');
  });

  it('14: a node that is attached may have FATAL processes, which is for the step attach', async () => {
    await vm.run('echo 2.10.6 > version; echo "systail FATAL" > processes');
    const work = connect.activities.awaitKato;
    await assert.rejects(run(work, input('2.10.6', 'dea-1')), /Not up yet: systail FATAL/);
    assert.equal((await run(work, input('2.10.6', 'dea-1', inClusterSince))).changed, false);
    await assert.rejects(run(work, input('2.10.6', 'core', { reboot: { before: 'a', after: 'b' } })), /Not up yet/);
  });
});
