"""What kato tells: version, info, status, ready. The words of 2.6 are known of none of them."""

from __future__ import annotations

import json
import math
import time

from call import leave, say
from state import State, now

LOOK_EVERY = 0.2


def version(state: State, _args: list[str]) -> None:
    leave(state, 0, f"Stackato {state.knobs['release']}")


def info(state: State, args: list[str]) -> None:
    assigned, available = state.roles, state.family['roles']
    mbus_ip, endpoint = state.kept['mbusIp'], state.kept['endpoint']
    if '-j' in args or '--json' in args:
        fields = {'assigned_roles': assigned, 'available_roles': available, 'mbusip': mbus_ip, 'endpoint': endpoint}
        leave(state, 0, json.dumps(fields, indent=2))
    listed = [[f'  - {role}' for role in roles] for roles in (assigned, available)]
    leave(state, 0, 'assigned roles:', *listed[0], 'available roles:', *listed[1], f'mbusip: {mbus_ip}', f'endpoint: {endpoint}')


def processes(state: State, _args: list[str]) -> None:
    leave(state, 0, *(row(*process) for process in state.processes))


def status(state: State, args: list[str]) -> None:
    """Processes up to 2.6, roles after."""
    if state.family['roleList'] == 'commas':
        processes(state, args)
    states = dict(state.processes)
    leave(state, 0, *(row(role, of_role(state, states, role)) for role in state.roles))


def of_role(state: State, states: dict[str, str], role: str) -> str:
    own = [states[name] for name in state.family['processes'].get(role, [])]
    return next((bad for bad in ('FATAL', 'STARTING') if bad in own), 'RUNNING')


def nodes(state: State, _args: list[str]) -> None:
    leave(state, 0, f"{state.kept['mbusIp']:<16}{', '.join(state.roles)}")


def ready(state: State, args: list[str]) -> None:
    """`--block SEC`, 0 being for ever; without it one look is all, but for a release that never times out (bug 103945)."""
    seconds = block(args)
    forever = state.knobs['readyNeverTimesOut'] or seconds == 0
    deadline = math.inf if forever else now() + seconds * 1000
    while not state.ready:
        if now() >= deadline:
            late = [process for process in state.processes if process[1] != 'RUNNING']
            leave(state, 1, *(row(*process) for process in late), 'NOT READY')
        time.sleep(LOOK_EVERY)
        state = State()
    leave(state, 0, 'READY')


def block(args: list[str]) -> float:
    at = next((index for index, word in enumerate(args) if word in ('-b', '--block')), len(args))
    try:
        return float(args[at + 1])
    except (IndexError, ValueError):
        return -1


def row(name: str, state: str) -> str:
    return f'{name:<24}{state}'
