"""Files and programs of the machine. Tests set KATO_ROOT, a prefix of every path, and KATO_SUDO, which replaces sudo."""

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
WITHOUT_CORE = '/run/stackato/without-core'
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
    """Empty if the file does not exist."""
    try:
        with open(host(path), encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Atomic, even with a power failure."""
    aside = f'{host(path)}.new'
    with open(aside, 'w', encoding='utf-8', opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, host(path))
    sync(os.path.dirname(path))


def remove(path: str) -> None:
    os.remove(host(path))


def sync(path: str) -> None:
    fd = os.open(host(path), os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def overwrite(path: str, text: str) -> None:
    """For files in /proc, which cannot be replaced by renaming."""
    with open(host(path), 'w', encoding='utf-8') as file:
        file.write(text)


def append(path: str, line: str) -> None:
    fd = os.open(host(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, f'{line}\n'.encode())
    os.fsync(fd)
    os.close(fd)


def give_to_account(path: str) -> None:
    """Makes the account the owner."""
    account = pwd.getpwnam('stackato')
    os.chown(host(path), account.pw_uid, account.pw_gid)


def give_to_owner_of_folder(path: str) -> None:
    """If root runs this; anybody else made a file of their own."""
    if os.geteuid() == 0:
        folder = os.stat(os.path.dirname(host(path)))
        os.chown(host(path), folder.st_uid, folder.st_gid)


def run(*words: str) -> int:
    return os.spawnvp(os.P_WAIT, words[0], words)


def output_of(*words: str) -> tuple[int, str]:
    """Runs a program and returns its status and output. Without subprocess, whose import takes longer than the program."""
    ours, its = os.pipe()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, its, fd) for fd in (1, 2)])
    os.close(its)
    with open(ours, encoding='utf-8') as pipe:
        text = pipe.read()
    return os.waitpid(pid, 0)[1], text
