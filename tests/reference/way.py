"""A database that can be taken away, or be kept busy."""

from __future__ import annotations

import select
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conformance.reference.postgres import Server


class Way:
    """A way to a Unix socket over TCP: ``open``; ``refused``, as by a dead host; ``silent``, as by a lost route."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.state = "open"
        self.listener: socket.socket | None = None
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.port = 0
        self.ended = threading.Event()
        self.listen()
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def listen(self) -> None:
        """Take connections, always on the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]

    def become(self, state: str) -> None:
        """Change the state; what is refused loses its connections too."""
        self.state = state
        if state == "refused" and self.listener:
            self.listener.close()
            self.listener = None
            for pair in self.pairs:
                self.drop(pair)
        if state != "refused" and self.listener is None:
            self.listen()

    def drop(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Close both ends."""
        for end in pair:
            end.close()

    def carry(self) -> None:
        """Carry bytes until the end: a step every 20 ms, or as they come."""
        while not self.ended.is_set():
            with suppress(OSError, ValueError):
                self.step()
        for pair in self.pairs:
            self.drop(pair)
        if self.listener:
            self.listener.close()

    def step(self) -> None:
        """Accept, or carry once."""
        self.pairs = [pair for pair in self.pairs if pair[0].fileno() >= 0]
        ends = {end: other for a, b in self.pairs for end, other in ((a, b), (b, a))}
        reading = [*ends, *([self.listener] if self.listener else [])]
        for end in select.select(reading, [], [], 0.02)[0]:
            if end is self.listener:
                inner = socket.socket(socket.AF_UNIX)
                inner.connect(self.target)
                self.pairs.append((end.accept()[0], inner))
            elif data := end.recv(65536):
                if self.state == "open":
                    ends[end].sendall(data)
            else:
                self.drop((end, ends[end]))

    def close(self) -> None:
        """End it."""
        self.ended.set()
        self.thread.join()


@contextmanager
def locked(server: Server, database: str) -> Iterator[None]:
    """Whatever reads or writes flows waits, as somebody else holds a lock."""
    command = f"{server.tools}/psql -qXAt -h {server.host} -p {server.port} -U postgres {database}".split()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdin.write("BEGIN; LOCK TABLE flows; SELECT 'held';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        yield
        holder.stdin.write("COMMIT;\n")
