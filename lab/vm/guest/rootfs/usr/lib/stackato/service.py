"""The unit `stackato`: is ready a while after its start, as the core services are, and serves the web console behind nginx."""

from __future__ import annotations

import os
import threading
import time

STARTED = time.monotonic()

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import console
import files
from member import Member
from state import settings

LIMIT = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        length = int(self.headers.get('Content-Length', '0'))
        body = self.rfile.read(min(length, LIMIT)).decode()
        host = self.headers.get('Host', '').split(':')[0].lower()
        status, kind, text, location = console.answer(self.command, self.path, host, self.headers.get('X-Forwarded-Proto') == 'https', body)
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(text.encode())))
        if location:
            self.send_header('Location', location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_words: object) -> None:
        """nginx logs requests."""


def tell_systemd(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.sendto(text.encode(), os.environ['NOTIFY_SOCKET'])


def main() -> None:
    time.sleep(max(0.0, STARTED + settings()['knobs']['readyDelay'] / 1000 - time.monotonic()))
    server = ThreadingHTTPServer(('127.0.0.1', 8080), Handler)
    files.write(files.UP, '')
    threading.Thread(target=Member().run, daemon=True).start()
    tell_systemd('READY=1')
    server.serve_forever()


if __name__ == '__main__':
    main()
