"""What kato knows, in a file that is replaced whole, and what follows from it and the time of day: nothing here ticks."""

from __future__ import annotations

import fcntl
import json
import re
import time
from typing import Any

import place

LOOPBACK = '127.0.0.1'
# A machine of 2 GiB shows a little less: the kernel keeps some for itself.
ENOUGH_KIB = 1850 * 1024


def now() -> int:
    return time.time_ns() // 1_000_000


def settings() -> dict[str, Any]:
    return json.loads(place.read(place.SETTINGS))


class State:
    def __init__(self) -> None:
        given = settings()
        self.knobs = given['knobs']
        self.family = given['family']
        self.dialogue = given['dialogue']
        self.kept = json.loads(place.read(place.STATE))

    @property
    def roles(self) -> list[str]:
        return self.kept['roles']

    def change(self, **values: Any) -> None:
        """Of the file as it is by now: another kato may have been busy meanwhile."""
        with open(place.host(f'{place.STATE}.lock'), 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.kept = json.loads(place.read(place.STATE)) | values
            write(self.kept)

    def restarted(self, **values: Any) -> None:
        self.change(restartedAt=now() + self.knobs['katoTakes'], **values)

    @property
    def up(self) -> bool:
        """Whether this boot has come to an end: kato's own work fails before."""
        return place.exists(place.UP)

    @property
    def processes(self) -> list[tuple[str, str]]:
        own = self.family['processes']
        names = dict.fromkeys([*self.family['base'], *(name for role in self.roles for name in own.get(role, []))])
        state = 'RUNNING' if self.up and now() >= self.kept['restartedAt'] else 'STARTING'
        starved = memory() < ENOUGH_KIB
        return [(name, 'FATAL' if starved and index % 3 == 2 else state) for index, name in enumerate(names)]

    @property
    def ready(self) -> bool:
        return all(state == 'RUNNING' for _, state in self.processes)


def fresh(hostname: str, family: dict[str, Any]) -> None:
    write({
        'hostname': hostname, 'endpoint': f'api.{hostname}', 'mbusIp': LOOPBACK, 'micro': True, 'roles': family['roles'],
        'restartedAt': 0, 'enabledAt': 0,
    })


def write(kept: dict[str, Any]) -> None:
    """A line for each, which the hook of dhclient reads with sed."""
    place.write(place.STATE, json.dumps(kept, indent=1))


def memory() -> int:
    found = re.search(r'^MemTotal:\s+(\d+) kB', place.read('/proc/meminfo'), re.MULTILINE)
    return int(found[1]) if found else 0
