"""How a command of kato prints, exits, and does what needs root."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NoReturn

import files
from state import State

ADMIN_SCRIPT = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'admin.py')


def say(text: str = '', end: str = '\n') -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def exit_with(state: State, status: int, *texts: str) -> NoReturn:
    """Exits with the status, or always with 0 if the knob says so (bug 103719)."""
    for text in texts:
        say(text)
    raise SystemExit(0 if state.knobs['exitAlwaysZero'] else status)


def read_arguments(usage: dict[str, Any], args: list[str]) -> tuple[dict[str, str], list[str]] | str:
    """Options (a switch has the value '') and other words, as the release allows them; an error message for others."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = iter(args)
    for arg in rest:
        if not arg.startswith('-'):
            words.append(arg)
            continue
        name, equals, value = arg.partition('=')
        kind = usage['options'].get(name)
        if kind is None or (kind == 'switch' and equals):
            return f'There is no option {arg}.'
        if kind == 'value' and not equals:
            following = next(rest, None)
            if following is None:
                return f'{name} needs a value.'
            value = following
        options[name] = value
    least, most = usage['words']
    if len(words) < least:
        return 'There are words missing.'
    return f'What is {words[most]}?' if len(words) > most else (options, words)


def step(text: str) -> str:
    """`starting mysql_node...               ok`"""
    return f'{text}...'.ljust(36) + 'ok'


def ask_for_sudo(state: State) -> None:
    """Without a terminal nobody can answer sudo's prompt, and kato hangs (bug 102928)."""
    if not has_terminal() and files.run(files.SUDO, '-n', 'true') != 0:
        while True:
            time.sleep(3600)
    if files.run(files.SUDO, 'true') != 0:
        exit_with(state, 1)


def as_root(state: State, *words: str, prompt: str | None = None) -> None:
    """`prompt`: replaces sudo's own."""
    asking = [] if prompt is None else ['-p', prompt.replace('%', '%%')]
    if files.run(files.SUDO, *asking, sys.executable, '-ESsB', ADMIN_SCRIPT, *words) != 0:
        exit_with(state, 1)


def has_terminal() -> bool:
    try:
        os.close(os.open('/dev/tty', os.O_RDWR))
    except OSError:
        return False
    return True
