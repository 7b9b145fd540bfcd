"""Ways for a command of kato to end, and to do what only root may."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

import place
from state import State

ROOTS_OWN = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'admin.py')


def say(text: str = '', end: str = '\n') -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def leave(state: State, status: int, *texts: str) -> NoReturn:
    """With that status, if kato tells the truth about it (bug 103719)."""
    for text in texts:
        say(text)
    raise SystemExit(0 if state.knobs['exitAlwaysZero'] else status)


def step(text: str) -> str:
    """`starting mysql_node...               ok`"""
    return f'{text}...'.ljust(36) + 'ok'


def ask_for_sudo(state: State) -> None:
    """Without a terminal sudo's question reaches nobody, and kato hangs on it (bug 102928)."""
    if not has_terminal() and place.run(place.SUDO, '-n', 'true') != 0:
        while True:
            time.sleep(3600)
    if place.run(place.SUDO, 'true') != 0:
        leave(state, 1)


def as_root(state: State, *words: str, prompt: str | None = None) -> None:
    """`prompt`: sudo's question, in other words than its own."""
    asking = [] if prompt is None else ['-p', prompt.replace('%', '%%')]
    if place.run(place.SUDO, *asking, sys.executable, '-ESsB', ROOTS_OWN, *words) != 0:
        leave(state, 1)


def has_terminal() -> bool:
    try:
        os.close(os.open('/dev/tty', os.O_RDWR))
    except OSError:
        return False
    return True
