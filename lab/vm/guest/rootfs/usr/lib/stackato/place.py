"""Files of the machine. KATO_ROOT stands before every path and KATO_SUDO for sudo: in tests, and nowhere else."""

from __future__ import annotations

import os
import pwd

ROOT = os.environ.get('KATO_ROOT', '')
SUDO = os.environ.get('KATO_SUDO', 'sudo')

HOME = '/home/stackato'
STATE = f'{HOME}/stackato/etc/kato/state.json'
LOG = f'{HOME}/stackato/logs/kato.log'
SETTINGS = '/run/stackato/settings.json'
UP = '/run/stackato/up'
ADMIN = '/var/lib/stackato/admin'
BOOTED_BEFORE = '/var/lib/stackato/first-boot-done'
CERTIFICATE = '/etc/ssl/certs/stackato.crt'
KEY = '/etc/ssl/private/stackato.key'
HOSTNAME = '/proc/sys/kernel/hostname'


def host(path: str) -> str:
    return ROOT + path


def exists(path: str) -> bool:
    return os.path.exists(host(path))


def read(path: str) -> str:
    """Empty where there is none."""
    try:
        with open(host(path), encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Whole or not at all, even if the plug is pulled."""
    aside = f'{host(path)}.new'
    with open(aside, 'w', encoding='utf-8', opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, host(path))
    sync(os.path.dirname(path))


def sync(path: str) -> None:
    fd = os.open(host(path), os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def put(path: str, text: str) -> None:
    """For files of the kernel's, which nothing can be renamed to."""
    with open(host(path), 'w', encoding='utf-8') as file:
        file.write(text)


def append(path: str, line: str) -> None:
    fd = os.open(host(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, f'{line}\n'.encode())
    os.fsync(fd)
    os.close(fd)


def give(path: str) -> None:
    """To the machine's account."""
    account = pwd.getpwnam('stackato')
    os.chown(host(path), account.pw_uid, account.pw_gid)


def run(*words: str) -> int:
    return os.spawnvp(os.P_WAIT, words[0], words)


def heard(*words: str) -> tuple[int, str]:
    """Status of a program, and what it says. Without subprocess, whose import takes longer than the program."""
    ours, its = os.pipe()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, its, fd) for fd in (1, 2)])
    os.close(its)
    with open(ours, encoding='utf-8') as pipe:
        text = pipe.read()
    return os.waitpid(pid, 0)[1], text
