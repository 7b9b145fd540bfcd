"""Runs a program on a terminal of its own. Its output goes to stdout; commands come by stdin, one JSON document a line:
{"size": [columns, rows]}, {"type": "\\u0003"}, {"signal": 15}. The last line on stderr says how it ended."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


columns, rows, *command = sys.argv[1:]


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


# The size is there before the program looks.
master, slave = pty.openpty()
resize(master, columns, rows)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.execvp(command[0], command)
os.close(slave)

pending = b""
inputs = [master, 0]
while True:
    ready, _, _ = select.select(inputs, [], [])
    if 0 in ready:
        data = os.read(0, 65536)
        if data == b"":
            inputs.remove(0)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "size" in order:
                resize(master, *order["size"])
            if "type" in order:
                os.write(master, order["type"].encode())
            if "signal" in order:
                os.kill(pid, order["signal"])
    if master in ready:
        try:
            data = os.read(master, 65536)
        except OSError:
            # Linux's way to say that nobody has it open any more.
            break
        if data == b"":
            break
        os.write(1, data)

_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps({"code": code if code >= 0 else None, "signal": signal.Signals(-code).name if code < 0 else None}), file=sys.stderr)
