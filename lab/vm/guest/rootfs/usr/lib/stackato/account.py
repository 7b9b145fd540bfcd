"""The account's password. A quick hash: the machine is emulated, and there is a login with every step."""

from __future__ import annotations

import os

import place

USER = 'stackato'
# A console's setup sets the account's password only while it is this one.
FACTORY_PASSWORD = 'stackato'


def set_password(password: str) -> None:
    ours, its = os.pipe()
    os.write(its, f'{USER}:{password}\n'.encode())
    os.close(its)
    actions = [(os.POSIX_SPAWN_DUP2, ours, 0)]
    words = ('chpasswd', '-c', 'SHA512', '-s', '1000')
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    os.close(ours)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError('chpasswd failed')


def has_factory_password() -> bool:
    rows = [line.split(':') for line in place.read('/etc/shadow').splitlines()]
    known = next((row[1] for row in rows if row[0] == USER), '')
    salt = known.removeprefix('$6$').rpartition('$')[0]
    return place.heard('openssl', 'passwd', '-6', '-salt', salt, FACTORY_PASSWORD)[1].strip() == known
