"""The time by the ledger's server: leases are compared by one clock, whatever a worker's own says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class server_now(FunctionElement[datetime]):  # noqa: N801 - used as a SQL function is
    """UTC, without a zone, at the moment of the statement; ``later`` is added to it."""

    type = sa.DateTime()
    # A statement with it is compiled once: the seconds are a parameter.
    inherit_cache = True

    def __init__(self, later: timedelta = timedelta()) -> None:
        super().__init__(sa.literal(int(later.total_seconds()), sa.Integer))


@compiles(server_now, "postgresql")
def _postgresql(element: server_now, compiler: Any, **options: Any) -> str:
    # Not CURRENT_TIMESTAMP, which is when the transaction began: it may have waited for a lock since.
    seconds = compiler.process(element.clauses, **options)
    return f"(CLOCK_TIMESTAMP() AT TIME ZONE 'UTC' + {seconds} * INTERVAL '1 second')"


@compiles(server_now, "mssql")
def _mssql(element: server_now, compiler: Any, **options: Any) -> str:
    return f"DATEADD(second, {compiler.process(element.clauses, **options)}, SYSUTCDATETIME())"


@compiles(server_now, "sqlite")
def _sqlite(element: server_now, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    # Microseconds, as SQLAlchemy writes and reads them.
    return f"(STRFTIME('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds') || '000')"


def server_time(connection: sa.Connection) -> datetime:
    """The time by the ledger's server, in UTC and without a zone."""
    return connection.execute(sa.select(server_now())).scalar_one()
