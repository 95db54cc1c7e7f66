"""How long the ledger's database is waited for, and what is said when a limit is met."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

_STEPS = 100_000
"""Instructions of SQLite's machine between two looks at the clock: a millisecond or so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: for a statement, for a lock that another session holds, and for a transaction that stands still."""

    statement_seconds: float = 300
    lock_seconds: float = 60
    idle_seconds: float = 600


DEFAULT = Limits()


def driver_options(dialect: str, limits: Limits) -> dict[str, Any]:
    """What the driver's connect takes: a server that is there and says nothing is given up, too."""
    if dialect == "postgresql":
        return {
            "connect_timeout": 15,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "client_encoding": "utf8",
        }
    if dialect == "mssql":
        return {"login_timeout": 15, "timeout": int(limits.statement_seconds), "charset": "UTF-8"}
    return {"timeout": limits.lock_seconds}


def apply(engine: sa.Engine, limits: Limits) -> None:
    """Set the limits on each new connection. SQL Server and SQLite have none for a transaction that stands still."""
    if engine.dialect.name == "sqlite":
        _interrupt_after(engine, limits.statement_seconds)
        return
    statements = {
        "postgresql": f"SET statement_timeout = {_ms(limits.statement_seconds)};"
        f" SET lock_timeout = {_ms(limits.lock_seconds)};"
        f" SET idle_in_transaction_session_timeout = {_ms(limits.idle_seconds)}",
        "mssql": f"SET LOCK_TIMEOUT {_ms(limits.lock_seconds)}",
    }
    statement = statements[engine.dialect.name]

    @sa.event.listens_for(engine, "connect")
    def _set(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()


def _ms(seconds: float) -> int:
    return max(1, int(1000 * seconds))


def _interrupt_after(engine: sa.Engine, seconds: float) -> None:
    """SQLite has no limit of its own, but asks now and then whether to go on."""

    @sa.event.listens_for(engine, "connect")
    def _watch(connection: Any, record: Any) -> None:
        record.info["deadline"] = float("inf")
        connection.set_progress_handler(lambda: time.monotonic() > record.info["deadline"], _STEPS)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _begin(connection: sa.Connection, *_: Any) -> None:
        connection.info["deadline"] = time.monotonic() + seconds


_LOCK = (
    "waited longer than limits.lock_seconds for a row or table that another session has locked. Find the session "
    "({sessions}) and end it, or wait until it commits."
)
_STATEMENT = (
    "took longer than limits.statement_seconds and was ended. The database is overloaded, or the limit is too low "
    "for this ledger."
)
_IDLE = (
    "found that the server had closed this session, which was idle for too long: see limits.idle_seconds, and the "
    "server's own limits for idle sessions."
)
_CUT = (
    "lost its connection. The server ends idle sessions (limits.idle_seconds, and limits of its own), and all "
    "sessions when it shuts down; or the network failed."
)
_GONE = "found the server shutting down, or this session ended by its administrator."
_FULL = "found the server's disk full."
_DEADLOCK = "was ended by a deadlock with another session."
_ENCODING = "has a character that the database's encoding does not have. The ledger's database must be in UTF-8."

_SAID: Mapping[str, str] = {
    "55P03": _LOCK,
    "57014": _STATEMENT,
    "25P03": _IDLE,
    "57P05": _IDLE,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _GONE,
    "53100": _FULL,
    "40P01": _DEADLOCK,
    "22P05": _ENCODING,
    "22021": _ENCODING,
    "SQLITE_BUSY": _LOCK,
    "SQLITE_LOCKED": _LOCK,
    "SQLITE_INTERRUPT": _STATEMENT,
    "SQLITE_FULL": _FULL,
    "1222": _LOCK,
    "1205": _DEADLOCK,
    "1105": _FULL,
    "20003": _STATEMENT,
}
"""By SQLSTATE (PostgreSQL), extended result code (SQLite), number (SQL Server; 20003 is FreeTDS's time-out)."""

_FIRST = re.compile(r"\s*(\w+)")
_TABLE = re.compile(r"\bedfi_cte_\w+")


def explained(error: sa.exc.DBAPIError) -> str:
    """What the database did not do, by the statement's verb and table, and why if it is known. Quotes no value."""
    code = code_of(error.orig)
    verb, table = _FIRST.match(error.statement or ""), _TABLE.search(error.statement or "")
    statement = " ".join(found[found.re.groups] for found in (verb, table) if found) or "a statement"
    said = next(
        (text for name, text in _SAID.items() if code and (code == name or code.startswith(f"{name}_"))), None
    )
    if said is None and error.connection_invalidated:
        said = _CUT
    kind = f"{type(error.orig).__name__} {code}" if code else type(error.orig).__name__
    if said is None:
        return (
            f"the ledger's database refused a statement ({statement}: {kind}). Nothing is lost; the next try goes "
            "on. If it comes again, look at the database's own log: disk full, locks, rights, or a connection cut."
        )
    sessions = "pg_stat_activity, sys.dm_exec_sessions, or the processes that have the file open"
    return f"the ledger: {statement} {said.format(sessions=sessions)} ({kind}) Nothing is lost; the next try goes on."


def code_of(error: object) -> str | None:
    """The driver's code for an error, as text, where it has one."""
    for name in ("pgcode", "sqlite_errorname"):
        if code := getattr(error, name, None):
            return str(code)
    arguments = getattr(error, "args", ())
    return str(arguments[0]) if arguments and isinstance(arguments[0], int) else None


def encoding_fault(connection: sa.Connection) -> str | None:
    """Why the database can't hold every name, or sorts digests otherwise than we do; ``None`` if it is right."""
    if connection.dialect.name != "postgresql":
        # SQL Server keeps NVARCHAR, and SQLite UTF-8 or UTF-16: both hold every character.
        return None
    encoding = connection.execute(sa.text("SHOW server_encoding")).scalar_one()
    database = connection.engine.url.database
    if encoding != "UTF8":
        return (
            f"the database {database} is in {encoding}, which does not have some characters of names, such as an en "
            f"dash. Make another and let the ledger's connection name it: CREATE DATABASE {database}_utf8 "
            "ENCODING 'UTF8' TEMPLATE template0; then copy this one's tables with pg_dump, or start again: the first "
            "run adopts what the ODS holds."
        )
    if not connection.execute(sa.text("SELECT '9' < 'a'")).scalar_one():
        return (
            f"the database {database} sorts letters before digits, and the plan is read in the order of digests. "
            f"Make another: CREATE DATABASE {database}_c LOCALE 'C' ENCODING 'UTF8' TEMPLATE template0;"
        )
    return None
