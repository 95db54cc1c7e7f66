"""A StatsD server of a test's own: a UDP socket on loopback that keeps each line."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def receiving() -> Iterator[tuple[int, list[str]]]:
    """The port, and the lines that have arrived there so far. They are read at once, or the system drops them."""
    lines: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def receive() -> None:
            while data := server.recv(65536):
                lines.extend(data.decode().splitlines())

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        yield server.getsockname()[1], lines
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", server.getsockname())  # An empty datagram ends it.
        thread.join()
