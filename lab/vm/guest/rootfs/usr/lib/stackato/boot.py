"""Sets the machine up at boot. `login`: account, sshd and host keys, at every boot. `name`: its name and certificate, at the first."""

from __future__ import annotations

import binascii
import json
import os
import sys
from typing import Any

import admin
import files
import state
from account import set_password

GIVEN = '/sys/firmware/qemu_fw_cfg/by_name/opt/stackato/settings/raw'
# Makes the host keys of the first boot, and gives the account its keys.
CLOUD_INIT = '/usr/bin/cloud-init'
SSH = '/etc/ssh'
KEYS = {'ed25519': [], 'ecdsa': [], 'rsa': ['-b', '2048']}
SHOWN_KEYS = '/run/stackato/host-keys.pub'
SECRETS = ('password', 'authorizedKey')


def login() -> None:
    with open(GIVEN, encoding='utf-8') as given:
        settings = json.load(given)
    knobs = settings['knobs']
    first = not files.exists(files.BOOTED_BEFORE)
    public = {key: value for key, value in knobs.items() if key not in SECRETS}
    os.makedirs(os.path.dirname(files.SETTINGS), exist_ok=True)
    files.write(files.SETTINGS, json.dumps(settings | {'knobs': public}))
    if first:
        make_account(knobs)
        configure_sshd(knobs, settings['sshPort'])
    if first and os.path.exists(CLOUD_INIT):
        return
    make_host_keys(anew=knobs['newHostKeyAtBoot'] and not first)
    show_host_keys()


def make_account(knobs: dict[str, Any]) -> None:
    set_password(knobs['password'])
    if knobs['authorizedKey'] and not os.path.exists(CLOUD_INIT):
        folder = f'{files.HOME}/.ssh'
        os.makedirs(folder, 0o700, exist_ok=True)
        files.write(f'{folder}/authorized_keys', f"{knobs['authorizedKey']}\n", 0o600)
        for path in (folder, f'{folder}/authorized_keys'):
            files.give_to_account(path)
    if not knobs['sudoAsks']:
        files.write('/etc/sudoers.d/stackato', 'stackato ALL=(ALL:ALL) NOPASSWD: ALL\n', 0o440)


def configure_sshd(knobs: dict[str, Any], port: int) -> None:
    banner, most = knobs['banner'], knobs['maxStartups']
    rows = [
        # From outside, the second is forwarded to the first.
        ('Port', '22'),
        ('Port', str(port)),
        ('PasswordAuthentication', yes('password' in knobs['auth'])),
        ('KbdInteractiveAuthentication', yes('keyboard-interactive' in knobs['auth'])),
        ('PubkeyAuthentication', yes('publickey' in knobs['auth'])),
        ('PrintLastLog', yes(banner != '')),
        # The machine's name servers do not exist, so that the lookup takes until its timeout.
        ('UseDNS', yes(knobs['loginDelay'] > 0)),
        *([('Banner', f'{SSH}/banner')] if banner else []),
        *([('MaxSessions', '1')] if knobs['maxSessionsOne'] else []),
        *([('MaxStartups', f'{most}:100:{most}')] if most > 0 else []),
    ]
    files.write(f'{SSH}/banner', banner)
    files.write(f'{SSH}/sshd_config.d/lab.conf', ''.join(f'{key} {value}\n' for key, value in rows))


def yes(is_so: bool) -> str:
    return 'yes' if is_so else 'no'


def make_host_keys(anew: bool) -> None:
    for kind, size in kinds().items():
        path = f'{SSH}/ssh_host_{kind}_key'
        if files.read(f'{path}.pub') and not anew:
            continue
        for old in (path, f'{path}.pub'):
            if os.path.exists(old):
                os.remove(old)
        files.run('ssh-keygen', '-q', '-t', kind, *size, '-N', '', '-C', 'root@stackato', '-f', path)


def kinds() -> dict[str, list[str]]:
    """RSA keys take long to make. cloud-init makes none either, see cloud.cfg.d."""
    return {kind: size for kind, size in KEYS.items() if kind != 'rsa' or not os.path.exists(CLOUD_INIT)}


def show_host_keys() -> None:
    """In cloud-init's format, for clients that pin the keys in the console output."""
    keys = ''.join(files.read(f'{SSH}/ssh_host_{kind}_key.pub') for kind in kinds())
    files.write(SHOWN_KEYS, keys)
    fingerprints = files.output_of('ssh-keygen', '-lf', SHOWN_KEYS)[1]
    with open('/dev/console', 'w', encoding='utf-8') as console:
        console.write(block('SSH HOST KEY FINGERPRINTS', fingerprints) + block('SSH HOST KEY KEYS', keys))


def block(title: str, lines: str) -> str:
    return f'-----BEGIN {title}-----\n{lines}-----END {title}-----\n'


def name() -> None:
    hardware = files.read('/sys/class/net/eth0/address')
    hostname = f'stackato-{binascii.crc32(hardware.encode()) & 0xFFFF:04x}.local'
    state.fresh(hostname, state.settings())
    admin.name(hostname, state.LOOPBACK)
    os.sync()
    files.write(files.BOOTED_BEFORE, '')


if __name__ == '__main__':
    {'login': login, 'name': name}[sys.argv[1]]()
