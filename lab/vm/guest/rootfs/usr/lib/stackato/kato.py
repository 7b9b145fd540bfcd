"""`kato`, as of the machine's release."""

from __future__ import annotations

import json
import signal

import actions
import cluster
import files
import report
import static_ip
from call import exit_with, read_arguments
from state import State, now

DO = {
    'version': report.version, 'info': report.info, 'status': report.status, 'processes': report.processes, 'ready': report.ready,
    'nodes': cluster.nodes, 'attach': cluster.attach, 'removeNode': cluster.remove, 'staticIp': static_ip.static_ip, 'rename': actions.rename, 'remove': actions.remove, 'add': actions.add,
    'core': actions.core, 'micro': actions.micro, 'stop': actions.stop, 'start': actions.start, 'detach': cluster.detach, 'retire': cluster.retire, 'licence': cluster.licence,
}
MOST_WORDS = 3


def main(words: list[str]) -> None:
    for end in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(end, signal.SIG_DFL)
    files.append(files.LOG, json.dumps({'at': now(), 'args': words}))
    state = State()
    commands = state.family['commands']
    for count in range(MOST_WORDS, 0, -1):
        verb = commands.get(' '.join(words[:count]))
        if verb is not None:
            given = read_arguments(state.family['usage'][verb], words[count:])
            if isinstance(given, str):
                exit_with(state, 1, f"kato {' '.join(words[:count])}: {given}")
            return DO[verb](state, *given)
    exit_with(state, 1, f"Unknown command: kato {' '.join(words)}", 'usage: kato <command>', *(f'  {command}' for command in commands))
