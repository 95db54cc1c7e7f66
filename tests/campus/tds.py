"""A server that speaks SQL Server's protocol (MS-TDS, 7.2 to 7.4) on loopback, over a DuckDB, with faults on demand.

It shows what the real driver and Airflow's hook make of logins, errors, rows and broken lines. It is no SQL Server:
the statements are DuckDB's to understand.
"""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

PRELOGIN, LOGIN, BATCH, ATTENTION, REPLY = 0x12, 0x10, 0x01, 0x06, 0x04
ENCRYPTION_NOT_SUPPORTED = b"\x02"
COLLATION = bytes.fromhex("0904d00034")
LOGIN_STEP = "login"


@dataclass
class Trouble:
    """What goes wrong in a statement that ``where`` is found in, or at ``LOGIN_STEP``; by default once.

    ``number``: an error of that number. ``cut``: the line breaks. ``freeze``: nothing more is said. Each comes after
    ``after_rows`` rows.
    """

    where: str
    number: int = 0
    text: str = "Words of a server."
    severity: int = 16
    after_rows: int = 0
    cut: bool = False
    freeze: bool = False
    times: int = 1


@dataclass
class TdsServer:
    """What it answers: its database's rows, ``answers`` to statements that match a pattern, and troubles."""

    database: duckdb.DuckDBPyConnection
    port: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    answers: dict[str, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {"SERVERPROPERTY": [("16.0.4003.1", 160, "campus", 1, 0)]}
    )
    logins: int = 0
    statements: list[str] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def trouble(self, place: str) -> Trouble | None:
        """The next trouble due at a place."""
        with self.lock:
            for found in self.troubles:
                if found.times and re.search(found.where, place, re.IGNORECASE):
                    found.times -= 1
                    return found
        return None

    def rows(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and rows of a statement; none of one that asks for nothing."""
        for pattern, rows in self.answers.items():
            if re.search(pattern, statement, re.IGNORECASE):
                return [f"c{n}" for n in range(len(rows[0]))], rows
        bare = re.sub(r"--[^\n]*", "", statement).strip()
        if not re.match(r"(WITH|SELECT)\b", bare, re.IGNORECASE):
            return [], []
        with self.lock:
            cursor = self.database.cursor().execute(re.sub(r"\bN'", "'", statement))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()


@contextmanager
def serve(database: duckdb.DuckDBPyConnection) -> Iterator[TdsServer]:
    """A server on a free port of loopback, until the context ends."""
    state = TdsServer(database)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _Conversation(state, self.request).run()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield state
        finally:
            state.end.set()
            server.shutdown()


class _Conversation:
    """One connection, from the handshake to its end."""

    def __init__(self, server: TdsServer, line: socket.socket) -> None:
        self._server, self._line = server, line
        self._version = b""

    def run(self) -> None:
        try:
            while message := self._receive():
                kind, body = message
                if kind == PRELOGIN:
                    self._send(_prelogin())
                elif kind == LOGIN:
                    self._login(body)
                elif kind == BATCH:
                    skipped = struct.unpack_from("<I", body)[0]
                    self._batch(body[skipped:].decode("utf-16-le"))
                elif kind == ATTENTION:
                    self._send(_done(status=0x20))
        except (OSError, _Ended):
            return

    def _receive(self) -> tuple[int, bytes] | None:
        body = b""
        while True:
            header = self._exactly(8)
            if not header:
                return None
            kind, status, length = struct.unpack(">BBH", header[:4])
            body += self._exactly(length - 8)
            if status & 1:
                return kind, body

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self._line.recv(count - len(found))
            if not piece:
                return b""
            found += piece
        return found

    def _send(self, payload: bytes, *, last: bool = True) -> None:
        pieces = [payload[n : n + 4000] for n in range(0, len(payload), 4000)] or [b""]
        for number, piece in enumerate(pieces, 1):
            end = 1 if last and number == len(pieces) else 0
            self._line.sendall(struct.pack(">BBHHBB", REPLY, end, len(piece) + 8, 0, number % 256, 0) + piece)

    def _login(self, body: bytes) -> None:
        self._server.logins += 1
        version = struct.unpack_from("<I", body, 4)[0]
        self._version = struct.pack(">I", version)
        if trouble := self._server.trouble(LOGIN_STEP):
            self._break(trouble, b"")
        name = _b_varchar("Microsoft SQL Server")
        acknowledged = b"\x01" + self._version + name + bytes((16, 0, 0, 0))
        self._send(b"\xad" + struct.pack("<H", len(acknowledged)) + acknowledged + _done())

    def _batch(self, statement: str) -> None:
        self._server.statements.append(statement)
        trouble = self._server.trouble(statement)
        if trouble and not trouble.after_rows:
            return self._break(trouble, b"")
        try:
            names, rows = self._server.rows(statement)
        except duckdb.Error as error:
            return self._send(_error(50000, 16, str(error)) + _done(status=2))
        if not names:
            return self._send(_done())
        columns = [_Column(name, [row[n] for row in rows], self._version) for n, name in enumerate(names)]
        payload = b"\x81" + struct.pack("<H", len(columns)) + b"".join(column.metadata() for column in columns)
        for row in rows[: trouble.after_rows] if trouble else rows:
            payload += b"\xd1" + b"".join(c.value(value) for c, value in zip(columns, row, strict=True))
        if trouble:
            return self._break(trouble, payload)
        return self._send(payload + _done(status=0x10, count=len(rows)))

    def _break(self, trouble: Trouble, payload: bytes) -> None:
        if trouble.freeze:
            self._send(payload, last=False)
            self._server.end.wait()
            raise _Ended
        if trouble.cut:
            self._send(payload, last=False)
            raise _Ended
        self._send(payload + _error(trouble.number, trouble.severity, trouble.text) + _done(status=2))
        if trouble.where == LOGIN_STEP or trouble.severity >= 20:
            raise _Ended


class _Ended(Exception):
    """The conversation is over."""


class _Column:
    """A result's column: its type by the first value that is not null."""

    def __init__(self, name: str, values: list[Any], version: bytes) -> None:
        self.name = name
        first = next((value for value in values if value is not None), "")
        self.kind: type = type(first)
        if version < b"\x73" and self.kind in (date, datetime):
            self.kind = str  # before 7.3 a date is sent as text
        if self.kind is Decimal:
            self.scale = max((-int(v.as_tuple().exponent) for v in values if v is not None), default=0)

    def metadata(self) -> bytes:
        types = {
            bool: b"\x68\x01",
            int: b"\x26\x08",
            float: b"\x6d\x08",
            date: b"\x28",
            datetime: b"\x2a\x07",
            str: b"\xe7" + struct.pack("<H", 4000) + COLLATION,
        }
        typed = bytes((0x6A, 17, 38, self.scale)) if self.kind is Decimal else types[self.kind]
        return struct.pack("<IH", 0, 1) + typed + _b_varchar(self.name)

    def value(self, value: Any) -> bytes:
        if value is None:
            return b"\xff\xff" if self.kind is str else b"\x00"
        if self.kind is bool:
            return bytes((1, value))
        if self.kind is int:
            return b"\x08" + struct.pack("<q", value)
        if self.kind is float:
            return b"\x08" + struct.pack("<d", value)
        if self.kind is date:
            return b"\x03" + _days(value)
        if self.kind is datetime:
            ticks = (value.hour * 3600 + value.minute * 60 + value.second) * 10_000_000
            return b"\x08" + ticks.to_bytes(5, "little") + _days(value.date())
        if self.kind is Decimal:
            whole = int(value.scaleb(self.scale))
            return bytes((17, int(whole >= 0))) + abs(whole).to_bytes(16, "little")
        text = str(value).encode("utf-16-le")
        return struct.pack("<H", len(text)) + text


def _days(day: date) -> bytes:
    return (day.toordinal() - 1).to_bytes(3, "little")


def _prelogin() -> bytes:
    """Version 16.0, and no encryption."""
    head = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
    return head + bytes((16, 0, 0, 0, 0, 0)) + ENCRYPTION_NOT_SUPPORTED


def _b_varchar(text: str) -> bytes:
    return bytes((len(text),)) + text.encode("utf-16-le")


def _error(number: int, severity: int, text: str) -> bytes:
    said = struct.pack("<H", len(text)) + text.encode("utf-16-le")
    body = (
        struct.pack("<iBB", number, 1, severity) + said + _b_varchar("server") + _b_varchar("") + struct.pack("<I", 1)
    )
    return b"\xaa" + struct.pack("<H", len(body)) + body


def _done(status: int = 0, count: int = 0) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", status, 0xC1, count)
