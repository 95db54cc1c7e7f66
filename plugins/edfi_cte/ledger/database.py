"""The ledger's database: reached through an Airflow connection, created on first use, migrated from then on.

A new ledger is made from :mod:`.schema` at one stroke; the migrations only bring an older one forward.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from edfi_cte.errors import EdfiCteError
from edfi_cte.faults import UNKNOWN, fault_of
from edfi_cte.ledger.limits import DEFAULT, Limits, apply, explained
from edfi_cte.ledger.limits import driver_options as default_options
from edfi_cte.ledger.schema import metadata
from edfi_cte.words import kind_of, number_of, options_in, words_in

_MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "edfi_cte_version"
_MIGRATION_SECONDS = 24 * 3600
_LOCK_NAME = "edfi_cte_migration"
_LOCK_NUMBER = 0x0ED_F1_C7E


class LedgerError(EdfiCteError):
    """The ledger's database can't be reached, or is not one that this package can use."""


class LedgerUnavailable(LedgerError):
    """The database can't be used just now: it does not answer, or this worker's package is older than it."""

    transient = True


class LedgerFault(LedgerError):
    """The ledger's database refused a statement, or went away. Names no value that was written."""

    transient = True


@contextmanager
def faults_explained() -> Iterator[None]:
    """Turn a driver's error into a LedgerFault without the driver's words, which may quote a row."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise LedgerFault(explained(error)) from None


class ConnectionLike(Protocol):
    """What is read of an Airflow connection."""

    conn_id: str
    conn_type: str
    host: str | None
    login: str | None
    password: str | None
    schema: str | None
    port: int | None


_DRIVERS = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2", "mssql": "mssql+pymssql"}


def ledger_url(connection: ConnectionLike) -> sa.URL:
    """The SQLAlchemy URL of an Airflow connection of type sqlite, postgres or mssql. Raises :class:`LedgerError`.

    The connection form knows the type sqlite only where its provider is installed; elsewhere it is Generic, with
    the file's absolute path as host.
    """
    kind = connection.conn_type
    if kind == "sqlite" or (kind == "generic" and unquote(connection.host or "").startswith("/")):
        path = unquote(connection.host or "")
        if not path:
            raise LedgerError(f"connection '{connection.conn_id}': a sqlite ledger needs its file's path as host")
        return sa.URL.create("sqlite", database=path)
    if kind not in _DRIVERS:
        raise LedgerError(
            f"connection '{connection.conn_id}': type '{kind}' can't hold the ledger. Use postgres or mssql; to "
            "try it out on one host, the type Generic with a SQLite file's absolute path as host."
        )
    return sa.URL.create(
        _DRIVERS[kind],
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
    )


def open_ledger(
    url: sa.URL | str, driver_options: Mapping[str, Any] | None = None, limits: Limits = DEFAULT
) -> sa.Engine:
    """An engine on the ledger's database, with its tables at this package's version.

    ``driver_options`` go to the driver's connect as they are: a connection's extra, such as ``sslmode``. Several
    processes may call it at once. Raises :class:`LedgerError` if the database can't be reached, the login may not
    create the tables, or a newer package has migrated it.
    """
    url, options = sa.make_url(url), driver_options or {}
    engine = _engine(url, options, limits)
    try:
        with _connected(engine, options) as connection:
            current = _revision(connection)
        if current != _head():
            # An index on a large table may take longer than any statement of a run.
            patient = _engine(url, options, replace(limits, statement_seconds=_MIGRATION_SECONDS))
            _migrate(patient)
            patient.dispose()
        if engine.dialect.name == "mssql":
            _check_json(engine)
    except sa.exc.DBAPIError as error:
        # A login without rights is an OperationalError to one driver and a ProgrammingError to another.
        shown = engine.url.render_as_string(hide_password=True)
        kind = LedgerUnavailable if isinstance(error, sa.exc.OperationalError) else LedgerError
        raise kind(
            f"the ledger can't be opened: {_said(error.orig, options)}. Check the connection's host, port, login and "
            f"database: it leads to {shown}.{_grants(engine.url)}"
        ) from None
    return engine


def _connected(engine: sa.Engine, options: Mapping[str, Any]) -> sa.Connection:
    """The first connection: every key of the ledger connection's extra goes to the driver, which may not take it."""
    try:
        return engine.connect()
    except (sa.exc.SQLAlchemyError, LedgerError):
        raise
    except Exception as error:  # noqa: BLE001 - a driver refuses what it is called with by exceptions of any kind
        if keys := options_in(error, options):
            raise LedgerError(
                f"the ledger's driver does not accept {', '.join(keys)} as the ledger connection's extra has it. "
                "Correct that key there."
            ) from None
        extra = f", and at each key of its extra: {', '.join(options)}" if options else ""
        raise LedgerError(
            f"the ledger's driver refuses the connection ({kind_of(error)}). Look at each field of it{extra}."
        ) from None


def _check_json(engine: sa.Engine) -> None:
    """Rows are written from JSON there (:mod:`.bulk`): a server that reads it otherwise would change them."""
    text = '\\ \n " \u00e9 \U0001f393 ' + "x" * 5000
    statement = sa.text("SELECT body FROM OPENJSON(:rows) WITH (body nvarchar(max) '$[0]')")
    with engine.connect() as connection:
        try:
            read = connection.execute(statement, {"rows": json.dumps([[text]])}).scalar()
        except sa.exc.DBAPIError:
            read = None
    if read != text:
        raise LedgerError(
            "the ledger's server does not read JSON as SQL Server 2016 does, and the ledger is written by it. On an "
            f"older compatibility level: ALTER DATABASE [{engine.url.database}] SET COMPATIBILITY_LEVEL = 130;"
        )


def _grants(url: sa.URL) -> str:
    """What the login needs to create the tables, and to use them."""
    statements = {
        "postgresql": f'GRANT USAGE, CREATE ON SCHEMA public TO "{url.username}";',
        "mssql": f"GRANT CREATE TABLE TO [{url.username}]; "
        f"GRANT ALTER, SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO [{url.username}];",
    }
    needed = statements.get(url.get_backend_name())
    return f" If the login lacks rights: {needed}" if needed else ""


def _engine(url: sa.URL, driver_options: Mapping[str, Any], limits: Limits) -> sa.Engine:
    # A statement's parameters, which an error would print, are students' ids.
    options = default_options(url.get_backend_name(), limits) | dict(driver_options)
    engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=options)
    apply(engine, limits)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: Any) -> None:
            # One writer beside readers, and every commit on disk before a request is sent.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

    return engine


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection, _migration_lock(connection):
        current = _revision(connection)
        config = alembic_config()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise LedgerUnavailable(
                f"the ledger was migrated to '{current}' by a newer edfi-cte than this one; "
                "install that version here too, on every worker"
            )
        config.attributes["connection"] = connection
        if current is None:
            metadata.create_all(connection, checkfirst=False)
            command.stamp(config, "head")
        else:
            command.upgrade(config, "head")
        connection.commit()


@contextmanager
def _migration_lock(connection: sa.Connection) -> Iterator[None]:
    """Let one process migrate while the others wait."""
    dialect = connection.dialect.name
    connection.rollback()
    if dialect == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif dialect == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
    else:
        connection.execute(
            sa.text("EXEC sp_getapplock @Resource = :name, @LockMode = 'Exclusive', @LockTimeout = 60000"),
            {"name": _LOCK_NAME},
        )
    try:
        yield
    except BaseException:
        connection.rollback()
        raise


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _revision(connection: sa.Connection) -> str | None:
    """The revision that the database bears; ``None`` if it is no ledger yet."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))).scalar()


def _said(error: BaseException | None, options: Mapping[str, Any]) -> str:
    """What the driver's error means, by its number, and the connection's options that it names; no word of it."""
    error = error or RuntimeError()
    fault = fault_of(number_of(error))
    meant = "the driver gave an error" if fault is UNKNOWN else fault.says
    keys = words_in(error, options)
    named = f", which names {', '.join(keys)} of the connection's extra" if keys else ""
    return f"{meant} ({kind_of(error)}){named}"
