"""The message bus of a cluster, as small as can be: the core answers on port 4222, one JSON object a line each way. Here: its clients."""

from __future__ import annotations

import json
from typing import Any

PORT = 4222
ANSWER_WITHIN = 15.0

Message = dict[str, Any]


class Connection:
    """To the bus of the core. Raises OSError if there is none."""

    def __init__(self, host: str) -> None:
        # Here, because kato needs it for few commands, and the import takes as long as kato itself.
        import socket

        self.socket = socket.create_connection((host, PORT), ANSWER_WITHIN)
        self.lines = self.socket.makefile('rwb')

    def ask(self, message: Message) -> Message:
        self.lines.write(json.dumps(message).encode() + b'\n')
        self.lines.flush()
        answer = self.lines.readline()
        if not answer:
            raise ConnectionResetError
        return json.loads(answer)

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def ask(host: str, message: Message) -> Message:
    connection = Connection(host)
    try:
        return connection.ask(message)
    finally:
        connection.close()
