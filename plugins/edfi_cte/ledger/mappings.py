"""The identity mapping: what we know to be in the ODS, by natural key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import bulk, streams
from edfi_cte.ledger.schema import identity_mapping as table
from edfi_cte.ledger.schema import row_dict


def count(connection: sa.Connection, target_id: str) -> int:
    """How many records of ours the ODS is known to hold."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(table).where(table.c.target_id == target_id)
    ).scalar_one()


def save(connection: sa.Connection, target_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write mappings after a 2xx answer; the last row of a key wins."""
    unique = {row["key_id"]: row | {"target_id": target_id} for row in rows}
    bulk.replace(connection, table, target_id, "key_id", list(unique.values()))


def relocate(connection: sa.Connection, target_id: str, key_id: str, ods_id: str) -> None:
    """The record of a key is there under another id now, as it was."""
    this = (table.c.target_id == target_id, table.c.key_id == key_id)
    connection.execute(sa.update(table).where(*this).values(ods_id=ods_id))


def remove(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> None:
    """Drop mappings after a 2xx (or 404) answer to a delete, or once absence is confirmed."""
    bulk.remove(connection, table, target_id, "key_id", key_ids)


def attribute(connection: sa.Connection, target_id: str, enrollment_ids: dict[str, int]) -> None:
    """Other enrollments, by key, now stand behind these mappings; nothing about the ODS changes."""
    for keys in bulk.batches(enrollment_ids, bulk.CHUNK):
        rows = connection.execute(
            sa.select(table).where(table.c.target_id == target_id, table.c.key_id.in_(keys))
        ).all()
        save(connection, target_id, [row_dict(row) | {"enrollment_id": enrollment_ids[row.key_id]} for row in rows])


def made_with(connection: sa.Connection, target_id: str, key_ids: Sequence[str], fingerprint: str) -> None:
    """Other preferences make the same of these records: what changes them next is not the preferences' change."""
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        connection.execute(
            sa.update(table)
            .where(table.c.target_id == target_id, table.c.key_id.in_(batch))
            .values(transformed_with=fingerprint)
        )


def by_ods_id(connection: sa.Connection, target_id: str, ods_ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """The mappings of these ODS ids.

    Looked up by id alone, which no two targets share: given the target too, SQLite reads all mappings of the target.
    """
    found: dict[str, sa.Row[Any]] = {}
    for batch in bulk.batches(ods_ids, bulk.CHUNK):
        rows = connection.execute(sa.select(*_SENT).where(table.c.ods_id.in_(batch))).all()
        found |= {row.ods_id: row for row in rows if row.target_id == target_id}
    return found


_SENT = (table.c.target_id, table.c.key_id, table.c.ods_id, table.c.payload_hash, table.c.content_hash)


def ods_ids(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> dict[str, str]:
    """The ODS ids of these keys."""
    found: dict[str, str] = {}
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        rows = connection.execute(
            sa.select(table.c.key_id, table.c.ods_id).where(table.c.target_id == target_id, table.c.key_id.in_(batch))
        )
        found |= {row.key_id: row.ods_id for row in rows}
    return found


def sent(ledger: sa.Engine, target_id: str) -> Iterator[Sequence[tuple[str, str, str]]]:
    """(key, ODS id, payload hash) of every mapping, by key, a page at a time."""
    statement = sa.select(table.c.key_id, table.c.ods_id, table.c.payload_hash).where(table.c.target_id == target_id)
    return streams.pages(ledger, statement, "")


def pages(ledger: sa.Engine, target_id: str) -> Iterator[Sequence[tuple[str, str, int]]]:
    """(key, ODS id, enrollment) of every mapping, by key, a page at a time."""
    statement = sa.select(table.c.key_id, table.c.ods_id, table.c.enrollment_id).where(table.c.target_id == target_id)
    return streams.pages(ledger, statement, "")
