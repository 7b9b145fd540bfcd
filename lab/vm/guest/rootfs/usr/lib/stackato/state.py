"""kato's state, in a file. Progress is computed from it and the clock when it is asked for; there are no timers."""

from __future__ import annotations

import fcntl
import json
import re
import time
from typing import Any, Callable

import files

LOOPBACK = '127.0.0.1'
# The share of the memory that the kernel does not keep for itself, at least.
VISIBLE_SHARE = 0.9
LOCK = f'{files.STATE}.lock'
# Processes that only a core has.
CENTRAL = ('doozerd', 'config_redis', 'nats_server', 'redis_server', 'postgresql')
# Before this release, these roles need ssh keys made by hand to run on a node (bug 96225).
SPLIT_SINCE = (2, 6, 7)
NEED_KEYS = ('router', 'cloud_controller', 'controller')

# Roles by address.
Nodes = dict[str, list[str]]


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

    @property
    def is_node(self) -> bool:
        """Of somebody else's core."""
        return self.kept['nodeIp'] != ''

    @property
    def is_core(self) -> bool:
        return not self.kept['micro'] and self.kept['mbusIp'] != LOOPBACK and not self.is_node

    @property
    def listed(self) -> Nodes:
        """What `kato node list` shows: a core's nodes, itself first."""
        return {self.kept['mbusIp']: self.roles} | (self.kept['nodes'] if self.is_core else {})

    @property
    def memory(self) -> int:
        """MiB."""
        return memory() // 1024

    @property
    def licensed(self) -> int | None:
        """MiB that a cluster with this core may have; None: any."""
        return (self.knobs['licenceMiB'] or self.family['clusterMiB']) if self.kept['licence'] is None else None

    @property
    def gave_up(self) -> bool:
        return self.kept['gaveUpIn'] == boot_id()

    def change(self, **values: Any) -> None:
        self.edit(lambda _kept: values)

    def change_nodes(self, change: Callable[[Nodes], Nodes]) -> None:
        self.edit(lambda kept: {'nodes': change(kept['nodes'])})

    def has_core(self, it_has: bool) -> None:
        """Of a node, as its service sees it."""
        if it_has == files.exists(files.WITHOUT_CORE):
            if it_has:
                files.remove(files.WITHOUT_CORE)
            else:
                files.write(files.WITHOUT_CORE, '')

    def detached(self) -> None:
        """No longer a node: what it then is, is not known."""
        self.restarted(nodeIp='', mbusIp=LOOPBACK, roles=[role for role in self.roles if role == 'base'])

    def stop_processes(self, names: list[str]) -> None:
        self.change(stopped=[*self.stopped, *names], stoppedAt=boot_id())

    def edit(self, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Changes the file as it is now: another kato may have changed it meanwhile."""
        with open(files.host(LOCK), 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(files.read(files.STATE))
            self.kept = kept | changed(kept)
            write(self.kept)

    def restarted(self, **values: Any) -> None:
        self.change(restartedAt=now() + self.knobs['katoTakes'], **values)

    @property
    def up(self) -> bool:
        """Whether the boot is complete. Before that, kato's commands fail."""
        return files.exists(files.UP)

    @property
    def processes(self) -> list[tuple[str, str]]:
        waits = self.is_node and files.exists(files.WITHOUT_CORE)
        state = 'RUNNING' if self.up and not waits and now() >= self.kept['restartedAt'] else 'STARTING'
        starved = memory() < (self.knobs['leastMiB'] or self.family['least']) * 1024 * VISIBLE_SHARE
        own = self.family['processes']
        base = [name for name in self.family['base'] if not self.is_node or name not in CENTRAL]
        names = dict.fromkeys([*base, *(name for role in self.roles for name in own.get(role, []))])
        broken = [name for role in NEED_KEYS for name in own.get(role, [])] if self.is_node and self.release < SPLIT_SINCE else []

        all_off, off, gave_up = self.kept['stoppedIn'] == boot_id(), self.stopped, self.gave_up

        def how(index: int, name: str) -> str:
            if all_off or name in off:
                return 'STOPPED'
            return 'FATAL' if gave_up or name in broken or (starved and index % 3 == 2) else state

        return [(name, how(index, name)) for index, name in enumerate(names)]

    @property
    def stopped(self) -> list[str]:
        """Processes stopped by name. A boot starts them again."""
        return self.kept['stopped'] if self.kept['stoppedAt'] == boot_id() else []

    @property
    def rows(self) -> list[tuple[str, str]]:
        """What `kato status` shows: processes up to 2.6, roles later."""
        if self.family['statusLists'] == 'processes':
            return self.processes
        states = dict(self.processes)
        own = {role: [states[name] for name in self.family['processes'].get(role, [])] for role in self.roles}
        return [(role, next((bad for bad in ('FATAL', 'STARTING', 'STOPPED') if bad in of), 'RUNNING')) for role, of in own.items()]

    @property
    def release(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.knobs['release'].split('.'))

    @property
    def ready(self) -> bool:
        return all(state == 'RUNNING' for _, state in self.processes)


def fresh_roles(knobs: dict[str, Any], family: dict[str, Any]) -> list[str]:
    return knobs['freshRoles'].split() or family['fresh']


def fresh(hostname: str, given: dict[str, Any]) -> None:
    files.append(LOCK, '')
    write({
        'hostname': hostname, 'endpoint': f'api.{hostname}', 'mbusIp': LOOPBACK, 'micro': True, 'roles': fresh_roles(given['knobs'], given['family']),
        'restartedAt': 0, 'enabledAt': 0, 'stoppedIn': None, 'stopped': [], 'stoppedAt': None, 'nodeIp': '', 'nodes': {}, 'memory': {}, 'licence': None,
        'gaveUpIn': None,
    })


def write(kept: dict[str, Any]) -> None:
    """One value per line, because the hook of dhclient reads the file with sed. It stays the account's, whoever writes it."""
    files.write(files.STATE, json.dumps(kept, indent=1))
    for path in (files.STATE, LOCK):
        files.give_to_owner_of_folder(path)


def boot_id() -> str:
    """`kato stop` lasts until the next boot."""
    return files.read('/proc/sys/kernel/random/boot_id').strip()


def memory() -> int:
    found = re.search(r'^MemTotal:\s+(\d+) kB', files.read('/proc/meminfo'), re.MULTILINE)
    return int(found[1]) if found else 0
