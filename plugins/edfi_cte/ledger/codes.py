"""Which of Campus's codes the records of a target use."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.model import MAPPED_FIELDS
from edfi_cte.ledger.schema import enrollment_record, record_outcome


class Code(NamedTuple):
    """A Campus code, and its label where Campus has one."""

    value: str
    label: str


def in_use(connection: sa.Connection, target_id: str) -> dict[str, Counter[Code]]:
    """Per field the codes of the records that no rule excludes, with how many records have each."""
    table = enrollment_record
    columns = [*(table.c[name] for name in MAPPED_FIELDS), table.c.cte_program_type_name]
    rows = connection.execute(
        sa.select(*columns, sa.func.count().label("records"))
        .where(table.c.target_id == target_id, table.c.excluded_by.is_(None))
        .group_by(*columns)
    )
    found: dict[str, Counter[Code]] = {name: Counter() for name in MAPPED_FIELDS}
    for row in rows:
        for name in MAPPED_FIELDS:
            value = getattr(row, name)
            if value is not None:
                label = (row.cte_program_type_name or "") if name == "cte_program_type" else ""
                found[name][Code(value, label)] += row.records
    return found


def rejected_for(connection: sa.Connection, target_id: str) -> Counter[tuple[str, str]]:
    """How many records are rejected for a reason and the code that it names."""
    table = record_outcome
    rows = connection.execute(
        sa.select(table.c.reason, table.c.detail, sa.func.count())
        .where(table.c.target_id == target_id, table.c.outcome == "rejected")
        .group_by(table.c.reason, table.c.detail)
    )
    return Counter({(row.reason or "", row.detail or ""): row[2] for row in rows})
