"""The vendor's module: with `stackato: {extname: NAME}` in the user data, it renames the machine at its first boot."""

import json
import os
import pwd
import subprocess
import time

from cloudinit.settings import PER_INSTANCE

meta = {
    'id': 'cc_stackato', 'name': 'Stackato', 'title': 'Set up Stackato', 'description': 'Renames the machine.', 'distros': ['all'], 'examples': [],
    'frequency': PER_INSTANCE, 'activate_by_schema_keys': [],
}

HOME = '/home/stackato'
STATE = f'{HOME}/stackato/etc/kato/state.json'
UP = '/run/stackato/up'
SETTINGS = '/run/stackato/settings.json'
ERROR = f'{HOME}/.stackato-firstboot-error'
# The first release that tells a failure (bug 102029).
TELLS_FAILURE = (3, 4, 1)
NEW_WORDS = (2, 8)
PATIENCE = 600


def handle(name, cfg, cloud, log, args):
    extname = (cfg.get('stackato') or {}).get('extname')
    if not extname:
        log.debug('No extname, nothing to do.')
        return
    wait_for(UP)
    release = release_of_machine()
    words = ['node', 'rename'] if release >= NEW_WORDS else ['rename']
    # As root, because nobody can answer the question that sudo asks the account.
    done = subprocess.run([f'{HOME}/bin/kato', *words, extname], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    give_back()
    log.info('kato %s: %s%s', ' '.join(words), done.stdout, done.stderr)
    if current_name() == extname.lower():
        return
    if release >= TELLS_FAILURE:
        with open(ERROR, 'w', encoding='utf-8') as file:
            file.write(f'rename to {extname} failed: {done.stdout}{done.stderr}\n')
    raise RuntimeError(f'kato did not rename the machine to {extname}')


def wait_for(path):
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise RuntimeError('The core services are not up.')
        time.sleep(0.5)


def release_of_machine():
    with open(SETTINGS, encoding='utf-8') as file:
        return tuple(int(part) for part in json.load(file)['knobs']['release'].split('.'))


def current_name():
    with open(STATE, encoding='utf-8') as file:
        return json.load(file)['hostname']


def give_back():
    """What kato wrote as root would be closed to the account."""
    account = pwd.getpwnam('stackato')
    for folder in ('etc/kato', 'logs'):
        for entry in os.scandir(f'{HOME}/stackato/{folder}'):
            os.chown(entry.path, account.pw_uid, account.pw_gid)
