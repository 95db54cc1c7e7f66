"""The databases that a ledger may be in: SQLite, PostgreSQL, and SQL Server where EDFI_CTE_MSSQL_* names one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.schema import metadata
from tests.ledger.databases import empty_ledger_url

ENGINES = ["sqlite", "postgresql", "sqlserver"]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a ledger."""
    return empty_ledger_url(request, request.param, tmp_path)


@pytest.fixture
def memory() -> Iterator[sa.Connection]:
    """A connection to an empty ledger that is gone with the test: for what a statement means on any database."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
