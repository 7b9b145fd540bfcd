/** What is made of cloud-init's files, in the words of several versions. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseFirstBoot, READ_FIRST_BOOT, saysFirstBootOver } from '../../src/machine/first-boot';
import { parseSections } from '../../src/machine/shell';

const OVER = { began: '/var/lib/cloud/instance', finished: 'yes\n' };

const repairs = (sections: Record<string, string>, asksForMore = false): Record<string, boolean> =>
  Object.fromEntries(
    parseFirstBoot({ ...OVER, ...sections }, asksForMore).failures.map(({ what, repairedBy }) => [
      what,
      repairedBy !== undefined,
    ]),
  );

describe('the first boot as its files tell it', () => {
  it('knows the beginning and the end', () => {
    const state = (sections: Record<string, string>): boolean[] => {
      const { began, over } = parseFirstBoot(sections, false);
      return [began, over];
    };
    assert.deepEqual(state({}), [false, false]);
    assert.deepEqual(state({ began: '/var/lib/cloud/instance\n' }), [true, false]);
    assert.deepEqual(state(OVER), [true, true]);
    // A failed task of Stackato's own may keep cloud-init from its end.
    assert.deepEqual(state({ began: '/var/lib/cloud/instance', marker: 'yes\n' }), [true, true]);
  });

  const LINES: readonly (readonly [line: string, what: string, ours: boolean, theirs: boolean])[] = [
    ['__init__.py[ERROR]: config handling of stackato, None, [] failed', 'the module stackato', true, true],
    [
      "util.py[WARNING]: Running stackato (<module 'cloudinit.config.cc_stackato'>) failed",
      'the module stackato',
      true,
      true,
    ],
    ["util.py[WARNING]: Running module stackato (<module 'x'>) failed", 'the module stackato', true, true],
    ['kato node rename x: failed to stop the router', 'the module stackato', true, true],
    // The word is also the account, and part of the host name.
    ['/home/stackato/setup.sh: mount failed', 'something', false, false],
    ['Mar  4 10:00:00 stackato-x7k2 setup: failed to mount /data', 'something', false, false],
    ['Mar  4 10:00:00 stackato-x7k2 [ERROR]: config handling of bootcmd, None, [] failed', 'bootcmd', false, false],
    ["util.py[WARNING]: Running module set_hostname (<module 'x'>) failed", 'the host name', true, true],
    ['cc_set_passwords.py[WARNING]: failed to set passwords with chpasswd: x', 'the passwords', true, false],
    ['__init__.py[ERROR]: config handling of ssh, None, [] failed', 'the ssh keys', true, false],
    ["[CRITICAL]: Failed loading of cloud config '/x'. Continuing", 'reading the cloud-config', true, false],
    ['util.py[WARNING]: Failed loading yaml blob. x', 'reading the cloud-config', true, false],
    ['__init__.py[ERROR]: config handling of apt-update-upgrade, None, [] failed', 'installing packages', false, false],
    ['E: Unable to locate package x', 'installing packages', false, false],
    ['config handling of bootcmd, None, [] failed', 'bootcmd', false, false],
    ['config handling of scripts-user, None, [] failed', "the user's scripts", false, false],
    ['config handling of mcollective, None, [] failed', 'something', false, false],
  ];
  it('names what failed, and whether an ordinary step makes up for it', () => {
    for (const [line, what, ours, theirs] of LINES) {
      assert.deepEqual(repairs({ log: `${line}\n` }), { [what]: ours }, line);
      assert.deepEqual(repairs({ output: `${line}\n` }, true), { [what]: theirs }, line);
    }
  });

  it('counts each failure once, and no summary of them', () => {
    const log = [
      'config handling of stackato, None, [] failed',
      "errors running cloud_config [config]: ['stackato', 'mcollective']",
      'config handling of stackato, None, [] failed',
    ];
    assert.deepEqual(repairs({ log: log.join('\n') }), { 'the module stackato': true });
  });

  it('takes no attempt to reach the metadata service for a failure, however many there are, but giving up', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'first-boot-'));
    const failuresOf = (log: readonly string[]): Record<string, boolean> => {
      writeFileSync(path.join(dir, 'cloud-init.log'), log.map((line) => `${line}\n`).join(''));
      const command = READ_FIRST_BOOT.replaceAll('/var/log/', `${dir}/`);
      return repairs({ ...parseSections(execFileSync('sh', ['-c', command]).toString()), ...OVER });
    };
    const tries = Array.from(
      { length: 60 },
      (_, i) =>
        `util.py[WARNING]: 'http://169.254.169.254/2009-04-04/meta-data/instance-id' failed [${i}/120s]: url error [[Errno 101] Network is unreachable]`,
    );
    try {
      assert.deepEqual(failuresOf(tries), {});
      assert.deepEqual(failuresOf(['config handling of bootcmd, None, [] failed', ...tries]), { bootcmd: false });
      assert.deepEqual(failuresOf([...tries, 'DataSourceEc2.py[CRITICAL]: giving up on md after 120 seconds']), {
        something: false,
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('reads result.json, whatever is in it', () => {
    const result = JSON.stringify({
      v1: { errors: ["('scripts-user', RuntimeError('1 failures'))", "('stackato', RuntimeError('failed'))"] },
    });
    assert.deepEqual(repairs({ result }), { "the user's scripts": false, 'the module stackato': true });
    for (const other of ['', '{', 'null', '[]', '{"v1": null}', '{"v1": {"errors": {}}}', '{"v1": {"errors": []}}'])
      assert.deepEqual(repairs({ result: other }), {});
  });

  it("tells a failed rename of Stackato's own first boot from other tasks", () => {
    const what = "a task of Stackato's first boot";
    assert.deepEqual(repairs({ marker: 'yes\nkato rename x failed\n' }), { [what]: true });
    assert.deepEqual(repairs({ marker: 'yes\n' }), { [what]: false });
  });

  it("knows cloud-init's last message of any version", () => {
    assert.ok(
      saysFirstBootOver('login:\r\ncloud-init boot finished at Mon, 04 Mar 2013 10:00:00 +0000. Up 30 seconds'),
    );
    assert.ok(saysFirstBootOver('Cloud-init v. 22.4.2 finished at Mon, 04 Mar 2024. Datasource DataSourceEc2.'));
    assert.ok(!saysFirstBootOver('cloud-init start running: Mon, 04 Mar 2013 10:00:00 +0000.'));
  });
});
