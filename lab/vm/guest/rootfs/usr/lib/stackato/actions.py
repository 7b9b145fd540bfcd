"""The commands of kato that change the machine. Each takes a while before it has an effect."""

from __future__ import annotations

import re
import time

import bus
from call import as_root, ask_for_sudo, exit_with, say, step
from network import present
from state import LOOPBACK, State, boot_id, fresh_roles, now

HOST = re.compile(r'[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+', re.IGNORECASE | re.ASCII)


def busy(state: State, first: str, sudo: bool) -> None:
    if not state.up:
        exit_with(state, 1, 'The core services are not up yet.')
    if sudo:
        ask_for_sudo(state)
    say(first)
    time.sleep(state.knobs['katoTakes'] / 1000)


Options = dict[str, str]


def rename(state: State, options: Options, words: list[str]) -> None:
    """kato's own state first: after a power failure in between, the machine still shows the old name, and the rename is repeated."""
    name = words[0].lower()
    restarts = '-r' not in options and '--no-restart' not in options
    if not HOST.fullmatch(name):
        exit_with(state, 1, 'usage: kato rename <hostname>')
    busy(state, f"Renaming {state.kept['hostname']} to {name}...", sudo=True)
    state.change(hostname=name, endpoint=f'api.{name}')
    as_root(state, 'name', name, state.kept['mbusIp'])
    if restarts:
        state.restarted()
    exit_with(state, 0, step('generating certificate'), *([step('restarting roles')] if restarts else []))


def core(state: State, _options: Options, words: list[str]) -> None:
    endpoint = next(iter(words), state.kept['endpoint'])
    busy(state, 'Setting up this node as the core of a cluster...', sudo=True)
    leave(state)
    become_node(state, micro=False, mbus_ip=present()['address'], endpoint=endpoint, roles=state.core_roles)
    exit_with(state, 0, step('restarting roles'))


def micro(state: State, _options: Options, _words: list[str]) -> None:
    busy(state, 'Setting up a micro cloud...', sudo=True)
    leave(state)
    become_node(state, micro=True, mbus_ip=LOOPBACK, endpoint=state.kept['endpoint'], roles=fresh_roles(state.knobs, state.family))
    exit_with(state, 0, step('restarting roles'))


def leave(state: State) -> None:
    """Tells its core, if it has one that can be reached."""
    if not state.is_node:
        return
    try:
        bus.ask(state.kept['mbusIp'], {'say': 'leave', 'ip': state.kept['nodeIp']})
    except OSError:
        pass


def become_node(state: State, micro: bool, mbus_ip: str, endpoint: str, roles: list[str], node_ip: str = '', stopped: bool = False) -> None:
    """The hosts file first, because `kato info` is what shows that the command is done."""
    as_root(state, 'hosts', state.kept['hostname'], mbus_ip)
    state.restarted(
        micro=micro, mbusIp=mbus_ip, endpoint=endpoint, roles=roles, nodeIp=node_ip, gaveUpIn=None, stoppedIn=boot_id() if stopped else None,
    )


def stop(state: State, _options: Options, words: list[str]) -> None:
    named = processes_named(state, words)
    busy(state, 'Stopping...' if words else 'Stopping all roles...', sudo=False)
    if not words:
        state.change(stoppedIn=boot_id())
        exit_with(state, 0, step('stopping supervisord'))
    state.stop_processes(named)
    exit_with(state, 0, *(step(f'stopping {name}') for name in named))


def start(state: State, _options: Options, words: list[str]) -> None:
    named = processes_named(state, words)
    busy(state, 'Starting...' if words else 'Starting all roles...', sudo=False)
    if not words:
        state.restarted(stoppedIn=None, stopped=[], gaveUpIn=None)
        exit_with(state, 0, step('starting supervisord'))
    state.restarted(stopped=[name for name in state.stopped if name not in named], gaveUpIn=None)
    exit_with(state, 0, *(step(f'starting {name}') for name in named))


def processes_named(state: State, words: list[str]) -> list[str]:
    """`stop` and `start` take processes up to 2.6, roles later (bug 96708)."""
    of_processes = state.family['statusLists'] == 'processes'
    known = [name for name, _ in state.processes] if of_processes else state.roles
    names = words if of_processes else roles_in(state, words)
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        exit_with(state, 1, f"There is no {'process' if of_processes else 'role'} {unknown} on this node.")
    return names if of_processes else processes_of(state, names)


def roles_in(state: State, names: list[str]) -> list[str]:
    """Names of groups become those of their roles."""
    return list(dict.fromkeys(role for name in names for role in state.family['groups'].get(name, [name])))


def add(state: State, options: Options, words: list[str]) -> None:
    wanted = chosen(state, options, words)
    started = processes_of(state, [role for role in wanted if role not in state.roles])
    busy(state, 'Enabling roles...', sudo=False)
    state.restarted(roles=wanted, enabledAt=now())
    exit_with(state, 0, *(step(f'starting {name}') for name in started))


def remove(state: State, _options: Options, words: list[str]) -> None:
    gone = [role for role in roles_in(state, [role for word in words for role in word.split(',')]) if role in state.roles]
    if not gone:
        exit_with(state, 0, 'Nothing to disable.')
    busy(state, 'Disabling roles...', sudo=False)
    state.change(roles=[role for role in State().roles if role not in gone])
    exit_with(state, 0, *(step(f'stopping {name}') for name in processes_of(state, gone)))


def chosen(state: State, options: Options, words: list[str]) -> list[str]:
    """The resulting roles; exits if the arguments are wrong."""
    everything = state.family['roles']
    if len(options) > 1:
        exit_with(state, 1, 'Only one option, please.')
    option, value = next(iter(options.items()), ('', ''))
    # Up to 2.6, the roles are the option's value.
    named = [role for word in [*words, value] for role in (word.split(',') if state.family['roleList'] == 'commas' else [word]) if role != '']
    named = roles_in(state, named)
    unknown = next((role for role in named if role not in everything), None)
    if unknown is not None:
        exit_with(state, 1, f'There is no role {unknown}.')
    if option in ('-a', '--all'):
        return everything
    if not named:
        exit_with(state, 1, 'Which roles?')
    only = [role for role in everything if role in named]
    picks = {
        '': [role for role in everything if role in state.roles or role in named],
        '-o': only,
        '--only': only,
        '--all-but': [role for role in everything if role not in named],
    }
    return picks[option]


def processes_of(state: State, roles: list[str]) -> list[str]:
    return [name for role in roles for name in state.family['processes'].get(role, [])]
