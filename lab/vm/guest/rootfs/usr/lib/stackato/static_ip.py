"""`kato op static_ip`: asks its questions, then sudo asks for the password, then the file is written."""

from __future__ import annotations

import network
from call import as_root, exit_with
from dialogue import accepts, ask, tell
from state import State

WRITTEN = ('address', 'netmask', 'gateway', 'nameservers', 'search')


OPTIONS = {
    '--interface': 'interface', '--ip': 'address', '--netmask': 'netmask', '--gateway': 'gateway', '--dns-nameservers': 'nameservers',
    '--dns-search-domains': 'search',
}


def static_ip(state: State, options: dict[str, str], _words: list[str]) -> None:
    given = {OPTIONS[name]: value for name, value in options.items() if name in OPTIONS}
    for name, key in OPTIONS.items():
        if key in given and not accepts_option(state, key, given[key]):
            exit_with(state, 1, f'{name}: {given[key]} is not valid. Nothing was changed.')
    # What is not given is asked, and with nothing to ask it says nothing.
    dialogue = {'prompts': []} if len(given) == len(OPTIONS) else state.dialogue
    answers = network.present() | {key: value.replace(',', ' ') for key, value in given.items()}
    tell(dialogue.get('intro', []), answers)
    ask([prompt for prompt in dialogue['prompts'] if prompt['id'] not in given], dialogue.get('summary', []), answers, lambda: exit_with(state, 1, 'Aborted, nothing was changed.'))
    as_root(state, 'interfaces', *(answers[key] for key in WRITTEN), prompt=dialogue.get('password'))
    tell(dialogue.get('written', []), answers)
    ask(dialogue.get('closing', []), [], answers, lambda: exit_with(state, 1))
    exit_with(state, 0)


def accepts_option(state: State, key: str, value: str) -> bool:
    """The separator of lists among the options is not known."""
    if key in ('nameservers', 'search'):
        return (' ' if state.knobs['staticIpLists'] == 'commas' else ',') not in value
    return accepts({'id': key}, value)
