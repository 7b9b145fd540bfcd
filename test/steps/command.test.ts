import assert from 'node:assert/strict';
import { ensureByCommand } from '../../src/steps/machine/command';
import type { MachineCommand } from '../../src/steps/machine/command';
import { DeployError } from '../../src/deployment/errors';
import { startJob } from '../../src/machine/journal';
import { eventually, LocalVm } from '../machine/local-vm';
import { attemptOf, dependencies, inputOf, remoteOf } from './support';

describe('a command whose effect is looked for', function () {
  this.timeout(60_000);
  let vm: LocalVm;
  beforeEach(() => {
    vm = new LocalVm();
    vm.program('kato', 'echo "$@" >> "$HOME/ran"; [ -e "$HOME/broken" ] || touch "$HOME/effect"; echo done; exit 0');
  });
  afterEach(() => vm.dispose());

  const work: MachineCommand<string> = {
    step: 'rename',
    observe: async (session) => (await session.exec('ls "$HOME"')).stdout,
    done: (files) => (/^effect$/m.test(files) ? { note: 'there', known: {} } : undefined),
    command: () => 'kato rename dev',
  };
  const ensure = (need = 'run1-1') =>
    ensureByCommand(dependencies({ remote: remoteOf(() => vm.session()) }), inputOf({ need }), attemptOf(), work);

  it('adopts what is there, and runs nothing', async () => {
    await vm.run('touch "$HOME/effect"');
    assert.deepEqual(await ensure(), { changed: false, note: 'there', known: {} });
    assert.equal(vm.read('ran'), '');
  });

  it('runs it once, and a later attempt of the same need knows that it was run', async () => {
    assert.deepEqual(await ensure(), { changed: true, note: 'there', known: {} });
    assert.deepEqual(await ensure(), { changed: true, note: 'there', known: {} });
    assert.equal(vm.read('ran'), 'rename dev\n');
  });

  it('does not believe an exit code: without the effect it fails, quotes the command, and does not run it again', async () => {
    await vm.run('touch "$HOME/broken"');
    const failed = (error: unknown): boolean =>
      error instanceof DeployError &&
      error.code === 'COMMAND_NO_EFFECT' &&
      /kato rename dev ended with 0.*done/s.test(error.message);
    await assert.rejects(ensure(), failed);
    await assert.rejects(ensure(), failed);
    assert.equal(vm.read('ran'), 'rename dev\n');
  });

  it('C12: says what took a command its end: the disk, the machine that went down, or neither', async () => {
    const fails =
      (code: string, words: RegExp) =>
      (error: unknown): boolean =>
        error instanceof DeployError && error.code === code && words.test(error.message);
    vm.program('kato', 'echo "kato: cannot write: No space left on device"; exit 1');
    await assert.rejects(ensure('run1-1'), fails('MACHINE_DISK', /ended with 1.*No space left on device/));
    vm.program('kato', 'kill -9 0');
    await assert.rejects(
      ensure('run1-2'),
      fails('COMMAND_NO_EFFECT', /was ended on the machine without an exit status and/),
    );
    await vm.run(
      'cd "$HOME/.stackato-deploy/dev/rename/run1-2" && sed "s/[^ ]*-[^ ]*/00000000-0000-0000-0000-000000000000/" pid > p && cat p > pid',
    );
    await assert.rejects(ensure('run1-2'), fails('COMMAND_NO_EFFECT', /was cut off by a reboot of the machine/));
  });

  it('runs it once more for a new need', async () => {
    await vm.run('touch "$HOME/broken"');
    await assert.rejects(ensure());
    await vm.run('rm "$HOME/broken"');
    assert.equal((await ensure('run1-2')).changed, true);
    assert.equal(vm.read('ran'), 'rename dev\nrename dev\n');
  });

  it('sees a running command of an older need to its end, though half of its effect shows', async () => {
    vm.program(
      'kato',
      'echo "$@" >> "$HOME/ran"; touch "$HOME/effect"; while [ ! -e "$HOME/go" ]; do sleep 0.1; done; touch "$HOME/whole"',
    );
    await vm.run(startJob({ deployment: 'dev', step: 'rename', need: 'run0-1' }, 'kato rename dev').command);
    await eventually(() => (vm.read('ran') === '' ? undefined : true));
    const ended = ensure('run1-1');
    await vm.run('sleep 0.5; touch "$HOME/go"');
    assert.equal((await ended).changed, true);
    assert.equal((await vm.run('ls "$HOME/whole"')).code, 0);
    assert.equal(vm.read('ran'), 'rename dev\n');
  });

  it('says which question stopped it', async () => {
    vm.program(
      'kato',
      'stty -echo; printf "[sudo] password for stackato: "; read -r p; echo; echo "Sorry, try again."; printf "[sudo] password for stackato: "; read -r p',
    );
    const session = () => vm.session({ password: { reveal: () => 'wrong-one' } });
    const run = ensureByCommand(dependencies({ remote: remoteOf(session) }), inputOf(), attemptOf(), work);
    await assert.rejects(
      run,
      (error: unknown) =>
        error instanceof DeployError &&
        error.code === 'DIALOGUE_STUCK' &&
        /refused the password/.test(error.message) &&
        !error.message.includes('wrong-one'),
    );
  });
});
