"""The databases that a ledger may be in: SQLite, PostgreSQL, and SQL Server where EDFI_CTE_MSSQL_* names one."""

from pathlib import Path

import pytest

from tests.ledger.databases import empty_ledger_url

ENGINES = ["sqlite", "postgresql", "sqlserver"]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a ledger."""
    return empty_ledger_url(request, request.param, tmp_path)
