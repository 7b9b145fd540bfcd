"""The account's password, with a fast hash: the machine is emulated, and every step logs in."""

from __future__ import annotations

import os

import files

USER = 'stackato'
# Claiming the console sets the account's password only while it is this one.
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
    rows = [line.split(':') for line in files.read('/etc/shadow').splitlines()]
    known = next((row[1] for row in rows if row[0] == USER), '')
    salt = known.removeprefix('$6$').rpartition('$')[0]
    return files.output_of('openssl', 'passwd', '-6', '-salt', salt, FACTORY_PASSWORD)[1].strip() == known
