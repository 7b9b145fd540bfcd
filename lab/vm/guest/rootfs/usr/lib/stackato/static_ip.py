"""`kato op static_ip`: asks its questions, then sudo asks for the password, then the file is written."""

from __future__ import annotations

import network
from call import as_root, exit_with
from dialogue import ask, tell
from state import State

WRITTEN = ('address', 'netmask', 'gateway', 'nameservers', 'search')


def static_ip(state: State, _args: list[str]) -> None:
    dialogue = state.dialogue
    answers = network.present()
    tell(dialogue.get('intro', []), answers)
    ask(dialogue['prompts'], dialogue.get('summary', []), answers, lambda: exit_with(state, 1, 'Aborted, nothing was changed.'))
    as_root(state, 'interfaces', *(answers[key] for key in WRITTEN), prompt=dialogue.get('password'))
    tell(dialogue.get('written', []), answers)
    ask(dialogue.get('closing', []), [], answers, lambda: exit_with(state, 1))
    exit_with(state, 0)
