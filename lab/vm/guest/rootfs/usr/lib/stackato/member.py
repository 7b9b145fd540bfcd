"""The machine's part in a cluster: the core serves the bus and knows who has reported when, a node reports to it."""

from __future__ import annotations

import json
import socketserver
import time
from contextlib import suppress
from threading import Lock, Thread
from typing import Callable

from bus import PORT, Connection, Message
from state import State, boot_id

REPORT_EVERY = 2.0
# A machine without power closes no connection. An emulated one may be slow to report.
SILENT_FOR = 20.0


class Core:
    """The core's part: knows when each node has last reported what."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.heard: dict[str, tuple[float, list[tuple[str, str]]]] = {}
        self.lock = Lock()
        self.answers: dict[str, Callable[[State, Message], Message]] = {'attach': self.attach, 'report': self.report, 'leave': self.leave, 'nodes': self.nodes}

    def answer(self, message: Message) -> Message:
        with self.lock:
            return self.answers[message['say']](State(), message)

    def attach(self, state: State, message: Message) -> Message:
        ip, own, other = message['ip'], state.knobs['release'], message['release']
        if state.family['comparesReleases'] and not message['force'] and own != other:
            return {'refused': f'This node has version {other}, the core has version {own}.'}
        total = message['memory'] + state.memory + sum(memory for node, memory in state.kept['memory'].items() if node != ip and node in state.kept['nodes'])
        if state.licensed is not None and total > state.licensed:
            return {'refused': f'A license key is needed for a cluster with more than {state.licensed} MB of memory.'}
        state.change(memory=state.kept['memory'] | {ip: message['memory']})
        state.change_nodes(lambda nodes: nodes | {ip: message['roles']})
        return {'endpoint': state.kept['endpoint']}

    def report(self, state: State, message: Message) -> Message:
        """A node that was removed learns it here, and does not come back by itself."""
        ip, roles = message['ip'], message['roles']
        if ip not in state.kept['nodes']:
            return {'removed': True}
        self.heard[ip] = time.monotonic(), message['rows']
        if state.kept['nodes'][ip] != roles:
            state.change_nodes(lambda nodes: nodes | {ip: roles} if ip in nodes else nodes)
        return {}

    def leave(self, state: State, message: Message) -> Message:
        state.change_nodes(lambda nodes: {ip: roles for ip, roles in nodes.items() if ip != message['ip']})
        return {}

    def nodes(self, state: State, _message: Message) -> Message:
        limit = max(SILENT_FOR, state.knobs['deathNoticedAfter'] / 1000)
        alive = {ip: rows for ip, (at, rows) in self.heard.items() if ip in state.kept['nodes'] and time.monotonic() - at < limit}
        # A node that has just been attached, or a core that has just booted, has had no time yet.
        late = time.monotonic() - self.since > limit
        return {'alive': alive, 'dead': [ip for ip in state.kept['nodes'] if ip not in alive and (late or ip in self.heard)]}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(core: Core, address: str) -> Server:
    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(json.dumps(core.answer(json.loads(line))).encode() + b'\n')

    server = Server((address, PORT), Conversation)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


class Member:
    """The machine's part in a cluster, whatever it is at the moment: core, node or neither."""

    def __init__(self) -> None:
        self.core = Core()
        self.server: Server | None = None
        self.connection: Connection | None = None
        self.seen = time.monotonic()

    def run(self) -> None:
        while True:
            state = State()
            self.be_core(state.kept['mbusIp'] if state.is_core else '')
            if state.is_node:
                self.report(state)
            else:
                self.seen = time.monotonic()
            time.sleep(REPORT_EVERY)

    def be_core(self, address: str) -> None:
        serving = self.server.server_address[0] if self.server is not None else ''
        if self.server is not None and serving != address:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        if address not in ('', serving):
            # At boot the address may not be there yet.
            with suppress(OSError):
                self.server = serve(self.core, address)

    def report(self, state: State) -> None:
        message = {'say': 'report', 'ip': state.kept['nodeIp'], 'roles': state.roles, 'rows': state.rows}
        try:
            self.connection = self.connection or Connection(state.kept['mbusIp'])
            answer = self.connection.ask(message)
        except OSError:
            self.disconnect()
            self.give_up(state)
            return
        self.seen = time.monotonic()
        state.has_core(True)
        if 'removed' in answer:
            self.disconnect()
            state.detached()

    def disconnect(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def give_up(self, state: State) -> None:
        """After a while its processes do not come up again by themselves (known issues in the manual). `kato start` makes them wait once more."""
        state.has_core(False)
        if state.gave_up:
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > state.knobs['fatalWithoutCore'] / 1000:
            state.change(gaveUpIn=boot_id())
