"""kato's state, in a file. Progress is computed from it and the clock when it is asked for; there are no timers."""

from __future__ import annotations

import fcntl
import json
import re
import time
from typing import Any

import files

LOOPBACK = '127.0.0.1'
# The share of the memory that the kernel does not keep for itself, at least.
VISIBLE_SHARE = 0.9


def now() -> int:
    return time.time_ns() // 1_000_000


def settings() -> dict[str, Any]:
    return json.loads(files.read(files.SETTINGS))


class State:
    def __init__(self) -> None:
        given = settings()
        self.knobs = given['knobs']
        self.family = given['family']
        self.dialogue = given['dialogue']
        self.kept = json.loads(files.read(files.STATE))

    @property
    def roles(self) -> list[str]:
        return self.kept['roles']

    @property
    def core_roles(self) -> list[str]:
        """Roles after `setup core`."""
        return self.knobs['coreRoles'].split() or self.family['core']

    def change(self, **values: Any) -> None:
        """Changes the file as it is now: another kato may have changed it meanwhile."""
        with open(files.host(f'{files.STATE}.lock'), 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.kept = json.loads(files.read(files.STATE)) | values
            write(self.kept)

    def restarted(self, **values: Any) -> None:
        self.change(restartedAt=now() + self.knobs['katoTakes'], **values)

    @property
    def up(self) -> bool:
        """Whether the boot is complete. Before that, kato's commands fail."""
        return files.exists(files.UP)

    @property
    def processes(self) -> list[tuple[str, str]]:
        own = self.family['processes']
        names = dict.fromkeys([*self.family['base'], *(name for role in self.roles for name in own.get(role, []))])
        stopped = self.kept['stoppedIn'] == boot_id()
        state = 'RUNNING' if self.up and not stopped and now() >= self.kept['restartedAt'] else 'STARTING'
        starved = memory() < (self.knobs['leastMiB'] or self.family['least']) * 1024 * VISIBLE_SHARE
        return [(name, 'FATAL' if starved and index % 3 == 2 else state) for index, name in enumerate(names)]

    @property
    def ready(self) -> bool:
        return all(state == 'RUNNING' for _, state in self.processes)


def fresh_roles(knobs: dict[str, Any], family: dict[str, Any]) -> list[str]:
    return knobs['freshRoles'].split() or family['fresh']


def fresh(hostname: str, given: dict[str, Any]) -> None:
    write({
        'hostname': hostname, 'endpoint': f'api.{hostname}', 'mbusIp': LOOPBACK, 'micro': True, 'roles': fresh_roles(given['knobs'], given['family']),
        'restartedAt': 0, 'enabledAt': 0, 'stoppedIn': None,
    })


def write(kept: dict[str, Any]) -> None:
    """One value per line, because the hook of dhclient reads the file with sed."""
    files.write(files.STATE, json.dumps(kept, indent=1))


def boot_id() -> str:
    """`kato stop` lasts until the next boot."""
    return files.read('/proc/sys/kernel/random/boot_id').strip()


def memory() -> int:
    found = re.search(r'^MemTotal:\s+(\d+) kB', files.read('/proc/meminfo'), re.MULTILINE)
    return int(found[1]) if found else 0
