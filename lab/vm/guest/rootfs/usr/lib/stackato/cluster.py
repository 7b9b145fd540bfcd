"""The commands of kato that make machines nodes of a core, and take them out again. They talk to the bus of the core (bus.py)."""

from __future__ import annotations

import json
import time
from typing import NoReturn

import bus
from actions import become_node, busy, leave, processes_of, roles_in
from call import exit_with, say, step
from network import present
from state import State

# As Ruby shows an exception that nobody caught.
CRASH = (
    "/home/stackato/stackato/kato/lib/kato/cluster/manager.rb:118:in `connect': Connection timed out - connect(2){where} (Errno::ETIMEDOUT)",
    "\tfrom /home/stackato/stackato/kato/lib/kato/cluster/manager.rb:84:in `attach'",
    "\tfrom /home/stackato/bin/kato:52:in `<main>'",
)

Options = dict[str, str]


def attach(state: State, options: Options, words: list[str]) -> None:
    core, family = words[0], state.family
    named = roles_in(state, [role for role in options.get('-e', options.get('--enable', '')).split(',') if role != ''])
    unknown = next((role for role in named if role not in family['roles']), None)
    if unknown is not None:
        exit_with(state, 1, f'There is no role {unknown}.')
    roles = [role for role in family['roles'] if role == 'base' or role in named]
    busy(state, f'Attaching this node to the core {core}...', sudo=True)
    own = present()['address']
    leave(state)
    try:
        answer = bus.ask(core, {
            'say': 'attach', 'ip': own, 'roles': roles, 'release': state.knobs['release'], 'memory': state.memory,
            'force': '-f' in options or '--force' in options,
        })
    except OSError:
        unreachable(state, core)
    if 'refused' in answer:
        exit_with(state, 1, answer['refused'])
    waits = '-s' in options or '--no-start' in options
    started = processes_of(state, roles)
    become_node(state, micro=False, mbus_ip=core, endpoint=answer['endpoint'], roles=roles, node_ip=own, stopped=waits)
    exit_with(state, 0, *(step(f'starting {name}') for name in started))


def unreachable(state: State, core: str) -> NoReturn:
    if state.family['badWithDeadNodes']:
        exit_with(state, 1, *(line.replace('{where}', f' for {core}:{bus.PORT}') for line in CRASH))
    exit_with(state, 1, f'The core {core} cannot be reached.')


def remove(state: State, options: Options, words: list[str]) -> None:
    """A node that is alive learns it from the bus, unless it is not told."""
    if not state.is_core:
        exit_with(state, 1, 'Nodes are removed on the core.')
    unknown = next((ip for ip in words if ip not in state.kept['nodes']), None)
    if unknown is not None:
        exit_with(state, 1, f'There is no node {unknown}.')
    busy(state, f"Removing {', '.join(words)}...", sudo=False)
    if state.family['badWithDeadNodes'] and '--skip-detach' not in options:
        time.sleep(state.knobs['removeDeadTakes'] / 1000 * len(set(words) & set(look(state)['dead'])))
    state.change_nodes(lambda nodes: {ip: roles for ip, roles in nodes.items() if ip not in words})
    exit_with(state, 0, *(step(f'removing {ip}') for ip in words))


def detach(state: State, _options: Options, _words: list[str]) -> None:
    if not state.is_node:
        exit_with(state, 1, 'This node is not attached.')
    busy(state, 'Detaching this node...', sudo=False)
    leave(state)
    state.detached()
    exit_with(state, 0, step('stopping roles'))


def retire(state: State, _options: Options, _words: list[str]) -> None:
    """The applications of a DEA are not simulated: it just stops."""
    if 'dea' not in state.roles:
        exit_with(state, 1, 'This node is no DEA.')
    busy(state, 'Moving applications to other nodes...', sudo=True)
    state.stop_processes(processes_of(state, ['dea']))
    exit_with(state, 0, step('stopping dea'))


def licence(state: State, _options: Options, words: list[str]) -> None:
    busy(state, 'Setting the license...', sudo=False)
    state.change(licence=' '.join(words))
    exit_with(state, 0, step('license'))


def nodes(state: State, options: Options, _words: list[str]) -> None:
    listed = state.listed
    if '-j' in options or '--json' in options:
        exit_with(state, 0, json.dumps({ip: {'roles': roles} for ip, roles in listed.items()}, separators=(',', ':')))
    exit_with(state, 0, *(f"{ip:<16}{', '.join(roles)}" for ip, roles in listed.items()))


def stuck_status(state: State, reports: bus.Message) -> None:
    """What `kato status` does instead, on a core that has a dead node."""
    how = state.knobs['statusWithDeadNode']
    does = state.family['statusWithDeadNode'] if how == 'as released' else how
    if does == 'works' or not reports['dead']:
        return
    if does == 'crashes':
        exit_with(state, 1, *(line.replace('{where}', '') for line in CRASH))
    say('Waiting for nodes...')
    while True:
        time.sleep(3600)


def look(state: State) -> bus.Message:
    """Rows of `kato status` of the nodes that are alive, by address, and the addresses of the others."""
    try:
        return bus.ask(state.kept['mbusIp'], {'say': 'nodes'})
    except OSError:
        # Its own bus comes up a moment after it became a core.
        return {'alive': {}, 'dead': []}
