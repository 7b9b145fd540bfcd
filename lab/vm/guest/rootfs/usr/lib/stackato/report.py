"""The commands of kato that show something. The exact output of 2.6 is not known for any of them."""

from __future__ import annotations

import json
import math
import time

import cluster
from call import exit_with, say
from state import State, now

LOOK_EVERY = 0.2


PROSE = {'RUNNING': 'up', 'STARTING': 'coming up', 'FATAL': 'broken', 'STOPPED': 'off'}
Options = dict[str, str]


def version(state: State, _options: Options, _words: list[str]) -> None:
    exit_with(state, 0, state.knobs['versionText'].replace('{release}', state.knobs['release']))


def info(state: State, options: Options, _words: list[str]) -> None:
    lists = {'assigned_roles': state.roles}
    if state.knobs['infoListsAvailable']:
        lists['available_roles'] = state.family['roles']
    mbus_ip, endpoint = state.kept['mbusIp'], state.kept['endpoint']
    if '-j' in options or '--json' in options:
        exit_with(state, 0, json.dumps(lists | {'mbusip': mbus_ip, 'endpoint': endpoint}, indent=2))
    listed = [line for key, roles in lists.items() for line in (f"{key.replace('_', ' ')}:", *(f'  - {role}' for role in roles))]
    exit_with(state, 0, *listed, f'mbusip: {mbus_ip}', f'endpoint: {endpoint}')


def processes(state: State, _options: Options, _words: list[str]) -> None:
    exit_with(state, 0, *(row(state, *process) for process in state.processes))


def status(state: State, options: Options, _words: list[str]) -> None:
    """With `--all` on a core: of all nodes, by address. How that looks is not known."""
    reports = cluster.look(state) if state.is_core and state.kept['nodes'] else {'alive': {}, 'dead': []}
    cluster.stuck_status(state, reports)
    if not state.is_core or not {'-a', '--all'} & set(options):
        exit_with(state, 0, *lines_of(state, state.rows))
    blocks = {state.kept['mbusIp']: state.rows} | reports['alive']
    if state.knobs['statusAllText'] == 'lines':
        exit_with(state, 0, *(f'{ip:<16}{line}' for ip, rows in blocks.items() for line in lines_of(state, rows)))
    exit_with(state, 0, *(line for ip, rows in blocks.items() for line in (ip, *(f'  {line}' for line in lines_of(state, rows)))))


def lines_of(state: State, rows: list[tuple[str, str]]) -> list[str]:
    return [row(state, *each) for each in rows]


def ready(state: State, options: Options, _words: list[str]) -> None:
    """`--block SEC` waits, with 0 forever; without it kato checks once. Some releases never time out (bug 103945)."""
    seconds = block(options)
    forever = state.knobs['readyNeverTimesOut'] or seconds == 0
    deadline = math.inf if forever else now() + seconds * 1000
    while not state.ready:
        if now() >= deadline:
            late = [process for process in state.processes if process[1] != 'RUNNING']
            exit_with(state, 1, *(row(state, *process) for process in late), 'NOT READY')
        time.sleep(LOOK_EVERY)
        state = State()
    exit_with(state, 0, state.knobs['readyText'])


def block(options: Options) -> float:
    try:
        return float(options.get('-b', options.get('--block', '-1')))
    except ValueError:
        return -1


def row(state: State, name: str, how: str) -> str:
    """The words of `prose` name no state of supervisord."""
    return f'{name:<24}{how}' if state.knobs['statusText'] == 'table' else f'{name}: {PROSE[how]}'
