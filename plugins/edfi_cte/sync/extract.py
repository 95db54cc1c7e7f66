"""extract: the scope year's candidate records, from Campus into the ledger.

Campus's rows and the ledger's pass each other in the order of their enrollment ids, so only what is new or changed is
written, and no more than a batch is in memory. What is gone from Campus leaves the ledger last, and only when the
whole extract has come.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from edfi_cte.associations.model import EnrollmentRecord, digest
from edfi_cte.campus.rows import Row, enrollment_record
from edfi_cte.ledger import events, mappings, records, settling
from edfi_cte.sync.lane import Lane, StepFailed

BATCH = 2000
log = logging.getLogger(__name__)


def extract(lane: Lane) -> dict[str, int]:
    """Bring the ledger's enrollment records up to date. Counts: extracted, changed, gone.

    Raises StepFailed if Campus has nothing at all where there were records, or has by id what its extract left out
    (invariant 6), and CampusError.
    """
    merge = _Merge(lane)
    with lane.writing() as connection:
        # What an earlier plan left undone was made of what Campus said then.
        events.supersede(connection, lane.target_id)
    known = chain.from_iterable(records.hashes(lane.ledger, lane.target_id))
    merge.run(lane.open_campus().enrollment_rows(lane.target.scope_year), known)
    if merge.extracted == 0:
        _refuse_empty(lane)
    _ask_again(lane, merge.gone)
    with lane.writing() as connection:
        records.remove(connection, lane.target_id, merge.gone)
    log.info("%s: %s records extracted, %s changed", lane.target_id, merge.extracted, merge.changed)
    return {"extracted": merge.extracted, "changed": merge.changed, "gone": len(merge.gone)}


def source_hash(row: Row) -> str:
    """A digest that changes when anything of the source row does; a row that has not changed is read no further."""
    try:
        return digest(msgspec.msgpack.encode(row))
    except (TypeError, ValueError, OverflowError):
        # What MessagePack has no form for: a driver's own type, half of a surrogate pair, a number beyond 64 bits.
        return digest(repr(row))


class _Merge:
    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._batch: list[tuple[EnrollmentRecord, str]] = []
        self._replaced: list[int] = []
        self.extracted = 0
        self.changed = 0
        self.gone: list[int] = []

    def run(self, source: Iterable[list[Row]], known: Iterator[tuple[int, str]]) -> None:
        ledger_id, ledger_hash = next(known, (None, None))
        for rows in source:
            for row in rows:
                while ledger_id is not None and ledger_id < row[0]:
                    self.gone.append(ledger_id)
                    ledger_id, ledger_hash = next(known, (None, None))
                new_hash = source_hash(row)
                if ledger_id != row[0]:
                    self._write(row, new_hash)
                    continue
                if ledger_hash != new_hash:
                    self._replaced.append(row[0])
                    self._write(row, new_hash)
                ledger_id, ledger_hash = next(known, (None, None))
            self.extracted += len(rows)
        while ledger_id is not None:
            self.gone.append(ledger_id)
            ledger_id, ledger_hash = next(known, (None, None))
        self._flush()

    def _write(self, row: Row, new_hash: str) -> None:
        self._batch.append((enrollment_record(row), new_hash))
        self.changed += 1
        if len(self._batch) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            with self._lane.writing() as connection:
                records.write_source(connection, self._lane.target_id, self._batch, self._replaced)
            self._batch.clear()
            self._replaced.clear()


def _refuse_empty(lane: Lane) -> None:
    """An empty read alone never counts as "gone": Campus must have enrollments in the year. Its deletes wait."""
    with lane.ledger.connect() as connection:
        mapped = mappings.count(connection, lane.target_id)
        doubted = settling.any_doubt(connection, lane.target_id)
    if not (mapped or doubted) or lane.open_campus().enrollment_count(lane.target.scope_year):
        return
    raise StepFailed(
        f"{lane.target_id}: Campus returned no enrollment of the year at all, where {mapped or 'some'} records are "
        "in the ODS, or may be. Nothing was concluded from it. Check the Campus connection and its login's rights, "
        "the district number and the mapping template."
    )


def _ask_again(lane: Lane, enrollment_ids: list[int]) -> None:
    """Ask Campus by id for what its extract no longer had: a scan under read committed may miss a row that moves."""
    there = lane.open_campus().records_by_id(lane.target.scope_year, enrollment_ids) if enrollment_ids else []
    if there:
        raise StepFailed(
            f"{lane.target_id}: Campus's extract left out {len(there)} enrollments that are there when asked for by "
            f"id, enrollment {there[0].enrollment_id} among them. The read can't be trusted, and nothing was "
            "concluded from it; the next try reads again. If it happens again, set campus_isolation: snapshot.",
            transient=True,
        )
