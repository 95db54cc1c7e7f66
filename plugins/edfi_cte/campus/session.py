"""One connection to Campus: opened, asked and closed with no wait without a limit, and faults in our own words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from edfi_cte.campus.errors import (
    CampusError,
    CampusMisconfigured,
    CampusQueryFailed,
    CampusTimeout,
    CampusUnreachable,
    driver_fault,
)
from edfi_cte.campus.rows import Row
from edfi_cte.campus.templates import Statement
from edfi_cte.campus.waiting import DriverThread, WaitedTooLong
from edfi_cte.faults import NO_ANSWER, fault_of
from edfi_cte.words import kind_of, options_in

Isolation = Literal["read_committed", "snapshot"]
T = TypeVar("T")


class Hook(Protocol):
    """What the reader needs of an Airflow DbApiHook."""

    conn_name_attr: str
    conn_type: str
    supports_autocommit: bool

    @property
    def placeholder(self) -> str: ...
    def get_conn(self) -> Any: ...
    def set_autocommit(self, conn: Any, autocommit: bool) -> None: ...


def speaks_t_sql(hook: Hook) -> bool:
    """Whether the hook's database is a SQL Server."""
    return hook.conn_type in ("mssql", "odbc")


class Session:
    """An open connection. Made by :func:`open_session`."""

    def __init__(self, thread: DriverThread, connection: Any, seconds: float, names: Callable[[], Collection[str]]):
        self._thread, self._connection = thread, connection
        self._seconds, self._names = seconds, names

    def batches(self, statement: Statement, size: int, what: str) -> Iterator[Sequence[Row]]:
        """The statement's rows, ``size`` at a time. Raises CampusQueryFailed and its kind."""
        with faults_of(f"Campus, {what}", self._seconds, self._names):
            cursor = self._thread.call(self._connection.cursor)
            try:
                self._thread.call(partial(cursor.execute, statement.text, statement.parameters))
                while batch := self._thread.call(partial(cursor.fetchmany, size)):
                    yield batch
            finally:
                with suppress(Exception):
                    self._thread.close(cursor.close)

    def run(self, text: str, what: str) -> None:
        """Execute a statement that gives no rows."""
        with faults_of(f"Campus, {what}", self._seconds, self._names):
            cursor = self._thread.call(self._connection.cursor)
            try:
                self._thread.call(partial(cursor.execute, text))
            finally:
                with suppress(Exception):
                    self._thread.close(cursor.close)


@contextmanager
def open_session(
    hook: Hook, isolation: Isolation, seconds: float, names: Callable[[], Collection[str]]
) -> Iterator[Session]:
    """A connection of its own, closed in the end whatever happens. Raises CampusError.

    ``seconds`` is the longest that a single answer is waited for; ``names`` gives the identifiers that may be
    repeated from a driver's words.
    """
    with DriverThread(seconds) as thread:
        connection = _connected(hook, thread, seconds)
        try:
            session = Session(thread, connection, seconds, names)
            if hook.supports_autocommit:
                # Reads hold no transaction open.
                with faults_of("Campus, the connection's mode", seconds, names):
                    thread.call(partial(hook.set_autocommit, connection, True))
            if speaks_t_sql(hook):
                level = isolation.replace("_", " ").upper()
                session.run(f"SET TRANSACTION ISOLATION LEVEL {level}", "the isolation level")
            yield session
        finally:
            with suppress(Exception):
                thread.close(connection.close)


def _connected(hook: Hook, thread: DriverThread, seconds: float) -> Any:
    name = getattr(hook, hook.conn_name_attr, hook.conn_name_attr)
    doing = f"Campus, connecting through the Airflow connection '{name}'"
    try:
        return thread.call(hook.get_conn)
    except WaitedTooLong:
        raise _too_long(doing, seconds) from None
    except Exception as error:  # noqa: BLE001 - whatever the driver or Airflow raises, it is the same to the user
        # Every key of the extra goes to the driver.
        if keys := options_in(error, _extra_keys(hook)):
            raise CampusMisconfigured(
                f"{doing}: the driver does not accept {', '.join(keys)} as the connection's extra has it. Correct "
                "that key there: see docs/campus-sql-server.md."
            ) from None
        if isinstance(error, TypeError | ValueError):
            raise CampusUnreachable(
                f"{doing}: the driver refuses the connection ({kind_of(error)}). Check each field of the connection."
            ) from None
        raise driver_fault(error, doing, default=CampusUnreachable) from None


def _extra_keys(hook: Hook) -> list[str]:
    connection = getattr(hook, "connection", None)
    extra = getattr(connection, "extra_dejson", None)
    return list(extra) if isinstance(extra, dict) else []


@contextmanager
def faults_of(doing: str, seconds: float, names: Callable[[], Collection[str]]) -> Iterator[None]:
    """Turn a driver's error into one of ours."""
    try:
        yield
    except CampusError:
        raise
    except WaitedTooLong:
        raise _too_long(doing, seconds) from None
    except Exception as error:  # noqa: BLE001 - each driver has exceptions of its own
        raise driver_fault(error, doing, names(), CampusQueryFailed) from None


def _too_long(doing: str, seconds: float) -> CampusTimeout:
    fault = fault_of(NO_ANSWER)
    return CampusTimeout(f"{doing}: {fault.says}, within {seconds:g} s. {fault.advice}")
