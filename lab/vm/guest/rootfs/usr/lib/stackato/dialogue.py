"""Asks the questions of a dialogue file on the terminal, as described in lab/appliance/dialogue.ts."""

from __future__ import annotations

import re
import sys
import time
from typing import Any, Callable

from call import say

NETWORK = ('interface', 'address', 'netmask', 'gateway', 'nameservers', 'search')
FRAME = 0.2

Answers = dict[str, str]
Prompt = dict[str, Any]


def is_ipv4(answer: str) -> bool:
    return re.fullmatch(r'\d{1,3}(\.\d{1,3}){3}', answer, re.ASCII) is not None and all(int(part) < 256 for part in answer.split('.'))


def is_yes(answer: str) -> bool:
    return answer.lower() in ('y', 'yes')


def is_anything(_answer: str) -> bool:
    """Lists are not checked: commas break the resolver only at the next boot."""
    return True


ACCEPTS: dict[str, Callable[[str], bool]] = {
    'interface': lambda answer: answer in ('', 'eth0'),
    'address': is_ipv4,
    'netmask': is_ipv4,
    'gateway': is_ipv4,
    'nameservers': is_anything,
    'search': is_anything,
    'confirm': is_yes,
    'decline': lambda answer: not is_yes(answer),
    'enter': is_anything,
}


def ask(prompts: list[Prompt], summary: list[str], answers: Answers, refuse: Callable[[], None]) -> None:
    """Stores the answers in `answers`. `refuse` does not return."""
    for prompt in prompts:
        shown = summary if prompt['id'] == 'confirm' else []
        answers[prompt['id']] = answer_to(prompt, shown, answers, refuse)
        for frame in prompt.get('progress', []):
            say(filled(frame, answers), end='')
            time.sleep(FRAME)
        tell(prompt.get('after', []), answers)


def answer_to(prompt: Prompt, summary: list[str], answers: Answers, refuse: Callable[[], None]) -> str:
    """One answer, or with `more` all that are given, separated by spaces."""
    given: list[str] = []
    while True:
        tell(summary, answers)
        say(filled(prompt['more' if given else 'text'], answers), end='\n' if prompt.get('newline') else '')
        answer = line()
        by_default = answer == '' and not given and 'default' in prompt
        if by_default:
            answer = filled(prompt['default'], answers)
        elif not accepts(prompt, answer):
            if 'again' not in prompt:
                refuse()
            tell([prompt['again']], answers)
            continue
        given.append(answer)
        if 'more' not in prompt or answer == '':
            return ' '.join(given).strip()


def accepts(prompt: Prompt, answer: str) -> bool:
    """With `more`, each answer is a single word."""
    if 'more' in prompt:
        return re.search(r'\s', answer) is None
    return answer in prompt['yes'] if 'yes' in prompt else ACCEPTS[prompt['id']](answer)


def line() -> str:
    given = sys.stdin.readline()
    if not given.endswith('\n'):
        sys.exit(1)
    return given.strip()


def tell(lines: list[str], answers: Answers) -> None:
    for text in lines:
        say(filled(text, answers))


def filled(text: str, answers: Answers) -> str:
    return re.sub(r'\{(\w+)\}', lambda match: answers[match[1]] if match[1] in NETWORK else match[0], text, flags=re.ASCII)
