"""The responses of the web console: nginx, router and cloud controller in one. Errors of the licence call are those of release 2.90."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Callable
from urllib.parse import parse_qs

import account
import files
from state import State, now

PAGE = '<!DOCTYPE html>\n<html><head><title>Stackato Management Console</title></head><body><h1>Stackato Management Console</h1></body></html>\n'
SHORTEST_EMAIL = 5
LONGEST_REFUSED_PASSWORD = 4
HTML, JSON = 'text/html; charset=utf-8', 'application/json; charset=utf-8'

# Status, content type, body, target of a redirect.
Answer = tuple[int, str, str, str]

ERRORS = {
    'missing': (403, 100, 'Stackato micro-cloud is not setup with a license.'),
    'done': (500, 101, 'Stackato micro-cloud is already set up.'),
    'noEmail': (400, 103, 'Email is required.'),
    'shortEmail': (400, 104, 'Email is too short.'),
    'shortPassword': (400, 105, 'Password must exceed 4 characters.'),
}


def answer(method: str, url: str, host: str, secure: bool, body: str) -> Answer:
    state = State()
    name, endpoint = state.kept['hostname'], state.kept['endpoint']
    if host not in (name, endpoint, f'api.{name}', 'localhost') and not host.replace('.', '').isdigit():
        return page(404, '404 Not Found: no such app\n')
    if not secure and state.knobs['httpRedirect']:
        return 302, HTML, '', f'https://{host}{url}'
    if not is_up(state):
        return page(503, '<h1>503 Service Unavailable</h1>\n')
    api = API[state.family['firstAdmin']] if state.knobs['consoleApi'] == 'there' else {}
    handler = (PAGES | api).get(f"{method} {url.split('?')[0]}")
    return data(404, {'code': 404, 'description': 'Not found'}) if handler is None else handler(state, body)


def is_up(state: State) -> bool:
    """The console is down for a while after roles were enabled."""
    enabled, delay = state.kept['enabledAt'], state.knobs['consoleDelay']
    return enabled == 0 or (delay >= 0 and now() >= enabled + delay)


def info(state: State, _body: str) -> Answer:
    accepted = {'stackato': {'license_accepted': files.exists(files.ADMIN)}} if state.family['firstAdmin'] == 'firstuser' else {}
    return data(200, {
        'name': 'stackato', 'build': 2222, 'support': 'stackato-support@activestate.com', 'version': state.family['infoVersion'],
        'description': 'ActiveState Stackato', 'allow_debug': False, 'maintenance_mode': False, 'vendor_version': f"v{state.knobs['release']}",
    } | accepted)


def stackato_info(state: State, _body: str) -> Answer:
    kept = state.kept
    return data(200, {
        'endpoint': kept['endpoint'], 'mbusip': kept['mbusIp'], 'micro_cloud': kept['micro'], 'nodes': {ip: {'roles': roles} for ip, roles in state.listed.items()},
        'maintenance_mode': False, 'vendor_version': f"v{state.knobs['release']}",
    })


def licence(_state: State, _body: str) -> Answer:
    return data(200, {'type': 'microcloud'}) if files.exists(files.ADMIN) else refusal('missing')


def first_admin(_state: State, body: str) -> Answer:
    """Anybody may create the first administrator, as long as there is none."""
    given = form(body)
    email, password = given.get('email', ''), given.get('password', '')
    tests = [
        ('done', files.exists(files.ADMIN)), ('noEmail', email == ''), ('shortEmail', len(email) < SHORTEST_EMAIL),
        ('shortPassword', len(password) <= LONGEST_REFUSED_PASSWORD),
    ]
    wrong = next((error for error, holds in tests if holds), None)
    if wrong is not None:
        return refusal(wrong)
    files.write(files.ADMIN, email)
    if account.has_factory_password():
        account.set_password(given.get('unix_password', password))
    return data(200, {'token': str(uuid.uuid4())})


def first_user(_state: State, body: str) -> Answer:
    """Of 3.x. The unix password becomes that of the account, while it is still the factory password."""
    user = fields_of(body)
    username, email, password = (user.get(key, '') for key in ('username', 'email', 'password'))
    organization, space = user.get('org_name', ''), user.get('space_name', '')
    if files.exists(files.ADMIN):
        return data(400, {'code': 310, 'description': 'The first user has already been set up.'})
    if '' in (username, password, organization, space) or re.search('.@.', email) is None:
        return data(400, {'code': 1001, 'description': f"Request invalid due to parse error: {', '.join(user)}"})
    files.write(files.ADMIN, email)
    if account.has_factory_password():
        account.set_password(password)
    return data(201, {'metadata': {'guid': str(uuid.uuid4())}})


Handler = Callable[[State, str], Answer]

PAGES: dict[str, Handler] = {'GET /': lambda _state, _body: page(200, PAGE)}

# The API, by the way in which the release creates its first administrator.
API: dict[str, dict[str, Handler]] = {
    'licence': {
        'GET /info': info, 'GET /stackato/info': stackato_info, 'GET /stackato/license': licence, 'POST /stackato/license': first_admin,
    },
    'firstuser': {
        'GET /info': info, 'GET /v2/info': info, 'GET /v2/stackato/info': stackato_info, 'POST /v2/stackato/firstuser': first_user,
    },
}


def fields_of(body: str) -> dict[str, str]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return {key: str(value) for key, value in fields.items()} if isinstance(fields, dict) else {}


def form(body: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(body, keep_blank_values=True).items()}


def page(status: int, text: str) -> Answer:
    return status, HTML, text, ''


def data(status: int, fields: dict[str, Any]) -> Answer:
    return status, JSON, json.dumps(fields, separators=(',', ':')), ''


def refusal(error: str) -> Answer:
    status, code, description = ERRORS[error]
    return data(status, {'code': code, 'description': description})
