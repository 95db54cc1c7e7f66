"""Since when a record is rejected: kept while it is for the same reason and code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, records
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import record_outcome


@pytest.fixture
def write(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    ledger = open_ledger(url)

    def do(day: int, outcome: str, reason: str | None = None, detail: str | None = None) -> datetime | None:
        monkeypatch.setattr(bulk, "now", lambda: datetime(2026, 1, day))  # noqa: DTZ001 - UTC, as the ledger has it
        row = {"enrollment_id": 1, "outcome": outcome, "reason": reason, "detail": detail, "transformed_with": "-"}
        with ledger.begin() as connection:
            there = connection.execute(sa.select(record_outcome.c.enrollment_id)).all()
            records.write_outcomes(connection, "t", [row], [1] if there else [])
            return connection.scalar(sa.select(record_outcome.c.since))

    return do


def test_a_rejection_keeps_its_date_while_it_is_the_same(write: Any):
    code = ("rejected", "career_cluster_unmapped")
    assert write(1, *code, "98").day == 1
    assert write(2, *code, "98").day == 1
    assert write(3, *code, "99").day == 3
    assert write(4, "desired") is None
    assert write(5, *code, "99").day == 5
