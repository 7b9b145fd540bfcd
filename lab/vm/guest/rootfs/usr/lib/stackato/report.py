"""The commands of kato that show something. The exact output of 2.6 is not known for any of them."""

from __future__ import annotations

import json
import math
import time

from call import exit_with, say
from state import State, now

LOOK_EVERY = 0.2


def version(state: State, _args: list[str]) -> None:
    exit_with(state, 0, f"Stackato {state.knobs['release']}")


def info(state: State, args: list[str]) -> None:
    assigned, available = state.roles, state.family['roles']
    mbus_ip, endpoint = state.kept['mbusIp'], state.kept['endpoint']
    if '-j' in args or '--json' in args:
        fields = {'assigned_roles': assigned, 'available_roles': available, 'mbusip': mbus_ip, 'endpoint': endpoint}
        exit_with(state, 0, json.dumps(fields, indent=2))
    listed = [[f'  - {role}' for role in roles] for roles in (assigned, available)]
    exit_with(state, 0, 'assigned roles:', *listed[0], 'available roles:', *listed[1], f'mbusip: {mbus_ip}', f'endpoint: {endpoint}')


def processes(state: State, _args: list[str]) -> None:
    exit_with(state, 0, *(row(*process) for process in state.processes))


def status(state: State, args: list[str]) -> None:
    """Shows processes up to 2.6, roles later."""
    if state.family['roleList'] == 'commas':
        processes(state, args)
    states = dict(state.processes)
    exit_with(state, 0, *(row(role, of_role(state, states, role)) for role in state.roles))


def of_role(state: State, states: dict[str, str], role: str) -> str:
    own = [states[name] for name in state.family['processes'].get(role, [])]
    return next((bad for bad in ('FATAL', 'STARTING') if bad in own), 'RUNNING')


def nodes(state: State, _args: list[str]) -> None:
    exit_with(state, 0, f"{state.kept['mbusIp']:<16}{', '.join(state.roles)}")


def ready(state: State, args: list[str]) -> None:
    """`--block SEC` waits, with 0 forever; without it kato checks once. Some releases never time out (bug 103945)."""
    seconds = block(args)
    forever = state.knobs['readyNeverTimesOut'] or seconds == 0
    deadline = math.inf if forever else now() + seconds * 1000
    while not state.ready:
        if now() >= deadline:
            late = [process for process in state.processes if process[1] != 'RUNNING']
            exit_with(state, 1, *(row(*process) for process in late), 'NOT READY')
        time.sleep(LOOK_EVERY)
        state = State()
    exit_with(state, 0, 'READY')


def block(args: list[str]) -> float:
    at = next((index for index, word in enumerate(args) if word in ('-b', '--block')), len(args))
    try:
        return float(args[at + 1])
    except (IndexError, ValueError):
        return -1


def row(name: str, state: str) -> str:
    return f'{name:<24}{state}'
