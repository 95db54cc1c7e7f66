"""A database for a ledger, of each kind that can hold one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa


def empty_ledger_url(request: pytest.FixtureRequest, engine: str, folder: Path) -> str:
    """The URL of a database of that kind without a ledger; skips where there is no SQL Server to be had."""
    if engine == "sqlite":
        return f"sqlite:///{folder / 'ledger.sqlite'}"
    if engine == "postgresql":
        return str(request.getfixturevalue("postgres_database"))
    return _sql_server()


def _sql_server() -> str:
    """The scratch database of EDFI_CTE_MSSQL_*, its ledger dropped."""
    if not os.environ.get("EDFI_CTE_MSSQL_HOST"):
        pytest.skip("EDFI_CTE_MSSQL_HOST names no SQL Server")
    if "test" not in os.environ["EDFI_CTE_MSSQL_DATABASE"].lower():
        raise pytest.UsageError("EDFI_CTE_MSSQL_DATABASE must be a scratch database with 'test' in its name")
    url = sa.URL.create(
        "mssql+pymssql",
        username=os.environ["EDFI_CTE_MSSQL_USER"],
        password=os.environ["EDFI_CTE_MSSQL_PASSWORD"],
        host=os.environ["EDFI_CTE_MSSQL_HOST"],
        port=int(os.environ.get("EDFI_CTE_MSSQL_PORT", "1433")),
        database=os.environ["EDFI_CTE_MSSQL_DATABASE"],
    )
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        tables = connection.execute(
            sa.text("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'edfi[_]cte[_]%'")
        )
        for (name,) in tables.all():
            connection.execute(sa.text(f"DROP TABLE {name}"))
    engine.dispose()
    return url.render_as_string(hide_password=False)
