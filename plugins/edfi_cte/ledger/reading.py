"""The ledger opened for reading: for the pages, whose server shares its threads with Airflow's own.

Nothing is created, migrated or written here. The server may run another version of this package than the workers, so
each use looks at the ledger's revision first. Whatever does not answer soon is given up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic.script import ScriptDirectory

from edfi_cte.ledger.database import VERSION_TABLE, LedgerError, LedgerUnavailable, alembic_config

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 5


class NoLedgerYet(LedgerError):
    """The database is there and empty: no run has created the ledger's tables."""


class LedgerOlder(LedgerError):
    """The ledger awaits its migration to this package's version; the next run's first task does it."""


class LedgerNewer(LedgerError):
    """A newer package than this one has migrated the ledger."""


class LedgerBusy(LedgerUnavailable):
    """All connections that may be had for reading are in use."""


def reading_engine(url: sa.URL | str, driver_options: Mapping[str, Any] | None = None) -> sa.Engine:
    """An engine for reading; connects to nothing yet.

    ``driver_options`` are a connection's extra, as for :func:`edfi_cte.ledger.database.open_ledger`.
    """
    url = sa.make_url(url)
    options = dict(driver_options or {})
    kind = url.get_backend_name()
    if kind == "sqlite":
        # A URI, so that a file that is not there is not made.
        path = f"file:{quote(url.database or '')}"
        url = url.set(database=path, query={"mode": "ro", "uri": "true"})
        options = {"timeout": CONNECT_SECONDS}
    elif kind == "postgresql":
        own = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS * 1000}"
        options["options"] = f"{options.get('options', '')} {own}".strip()
        options.setdefault("connect_timeout", CONNECT_SECONDS)
    else:
        options |= {"login_timeout": CONNECT_SECONDS, "timeout": STATEMENT_SECONDS}
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=2,
        max_overflow=0,
        pool_timeout=2,
        pool_recycle=600,
        pool_pre_ping=kind != "sqlite",
        hide_parameters=True,
        connect_args=options,
    )
    if kind == "sqlite":
        _limit_statements(engine)
    return engine


def _limit_statements(engine: sa.Engine) -> None:
    """SQLite has no limit of its own: it asks now and then whether to go on."""

    @sa.event.listens_for(engine, "connect")
    def _read_only(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _limit(connection: sa.Connection, *_: Any) -> None:
        until = time.monotonic() + STATEMENT_SECONDS
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > until, 100_000)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to a ledger of this package's version.

    Raises NoLedgerYet, LedgerOlder, LedgerNewer, LedgerBusy, LedgerUnavailable. What a statement of the caller's
    raises is the driver's; :func:`edfi_cte.ledger.database.faults_explained` words it.
    """
    with _opened(engine) as connection:
        current = _revision(connection)
        if current != _known()[0]:
            _refuse(current)
        yield connection


@contextmanager
def _opened(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        connection = engine.connect()
    except sa.exc.TimeoutError:
        raise LedgerBusy(
            "Others are reading the ledger just now, and a web server may read it twice at a time. Try again."
        ) from None
    except sa.exc.DBAPIError as error:
        if "unable to open database file" in str(error.orig):
            raise NoLedgerYet(_EMPTY) from None
        raise LedgerUnavailable(
            f"The ledger's database does not answer ({type(error.orig).__name__}). The server's log says why; "
            "'edfi-cte check' tests the connection from a worker."
        ) from None
    with connection:
        yield connection


def _revision(connection: sa.Connection) -> str | None:
    """As the tables bear it. Asked for without looking at the catalogue first, which costs more than the answer."""
    statement = sa.select(sa.column("version_num", sa.Unicode)).select_from(sa.table(VERSION_TABLE))
    try:
        return connection.execute(statement).scalar()
    except sa.exc.DBAPIError as error:
        connection.rollback()
        if sa.inspect(connection).has_table(VERSION_TABLE):
            raise LedgerUnavailable(
                f"The ledger's database does not let itself be read ({type(error.orig).__name__}). Grant the login "
                "of the pages' connection SELECT on the tables edfi_cte_*."
            ) from None
    return None


@cache
def _known() -> tuple[str | None, frozenset[str]]:
    """The revision of this package, and all that it knows."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())


_EMPTY = "No run has made the ledger yet: it is created by the first task of the first run."


def _refuse(current: str | None) -> None:
    if current is None:
        raise NoLedgerYet(_EMPTY)
    if current in _known()[1]:
        raise LedgerOlder(
            f"The ledger is at version {current}, and these pages are for {_known()[0]}. The next run migrates it, "
            "if the workers have this version of edfi-cte too."
        )
    raise LedgerNewer(
        f"The ledger is at version {current}, made by a newer edfi-cte than this web server has ({_known()[0]}). "
        "Install that version here too and restart the API server."
    )
