"""Row 9: the ledger's writes on PostgreSQL, each beside ``COPY`` of the rows that it leaves behind."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import sqlalchemy as sa

from bench.lanes import district, run_here
from bench.results import Row
from edfi_cte.ledger import bulk, events, records, settling
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.events import Result
from edfi_cte.ledger.schema import enrollment_record, event, identity_mapping, record_outcome, row_dict
from edfi_cte.sync.extract import BATCH
from edfi_cte.sync.send import CLAIM, SETTLE
from tests.postgres import empty_database, running_postgres

RECORDS = 20_000


class Planned(NamedTuple):
    """The target, and its rows in the ledger before the first is sent."""

    target_id: str
    source: Sequence[sa.Row[Any]]
    outcomes: Sequence[sa.Row[Any]]
    queue: Sequence[sa.Row[Any]]


class Writes:
    """The writes of a first load, in the batches and transactions of the sync. Each returns the table it wrote to."""

    def __init__(self, ledger: sa.Engine, planned: Planned):
        self._ledger, self._planned = ledger, planned
        self._target_id = planned.target_id

    def source_rows(self) -> sa.Table:
        for batch in bulk.batches(self._planned.source, BATCH):
            rows = [(records.as_record(row), row.source_hash) for row in batch]
            with self._ledger.begin() as connection:
                records.write_source(connection, self._target_id, rows, [])
        return enrollment_record

    def outcomes(self) -> sa.Table:
        for batch in bulk.batches(self._planned.outcomes, records.PAGE):
            with self._ledger.begin() as connection:
                records.write_outcomes(connection, self._target_id, map(row_dict, batch), [])
        return record_outcome

    def queue(self) -> sa.Table:
        for batch in bulk.batches(self._planned.queue, bulk.CHUNK):
            rows = [{k: v for k, v in row_dict(row).items() if k != "event_id"} for row in batch]
            with self._ledger.begin() as connection:
                events.add(connection, self._target_id, "load", rows)
        return event

    def claims(self) -> sa.Table:
        self._claimed: list[Any] = []
        while page := self._claim():
            self._claimed += page
        return event

    def results(self) -> sa.Table:
        ids = count(1)
        for batch in bulk.batches(self._claimed, SETTLE):
            results = [Result(row, http_status=201, ods_id=f"{next(ids):036}") for row in batch]
            with self._ledger.begin() as connection:
                settling.settle(connection, self._target_id, results)
        return identity_mapping

    def _claim(self) -> list[Any]:
        with self._ledger.begin() as connection:
            return list(events.claim(connection, self._target_id, "upsert", "bench", CLAIM))


def row() -> Row:
    """Row 9."""
    with postgres_ledger() as ledger:
        writes = Writes(ledger, _plan())
        steps = (writes.source_rows, writes.outcomes, writes.queue, writes.claims, writes.results)
        ours, copied = {}, {}
        for step in steps:
            started = time.perf_counter()
            table = step()
            ours[step.__name__] = time.perf_counter() - started
            copied[step.__name__] = _copy(ledger, table)
    ratio = sum(ours.values()) / sum(copied.values())
    return Row(
        9,
        f"ledger writes of a first load of {RECORDS:,} on PostgreSQL",
        "COPY of the rows that each write leaves",
        "at most 3 times",
        ratio,
        ratio <= 3,
        {"ours": sum(ours.values()), "copy": sum(copied.values()), "ours by write": ours, "copy by write": copied},
        "The ledger's rows are made of Python objects and written in transactions of a thousand; COPY's are a text "
        "made before the clock starts, in one.",
    )


def _plan() -> Planned:
    """A first load as transform leaves it."""
    with district(RECORDS) as (place, _):
        lane = place.lane("load")
        run_here(place, "load", ("preflight", "extract", "transform"))
        with lane.ledger.connect() as connection:
            tables = (enrollment_record, record_outcome, event)
            rows = (connection.execute(sa.select(table)).all() for table in tables)
            planned = Planned(lane.target_id, *rows)
        lane.ledger.dispose()
        return planned


@contextmanager
def postgres_ledger() -> Iterator[sa.Engine]:
    """An empty ledger on a PostgreSQL of the bench's own."""
    with running_postgres() as server, empty_database(server) as url:
        engine = open_ledger(url)
        yield engine
        engine.dispose()


def _copy(ledger: sa.Engine, table: sa.Table) -> float:
    """Seconds to COPY the table's rows into an empty table like it, keys and indexes included."""
    rows, connection = io.BytesIO(), ledger.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.copy_expert(f"COPY {table.name} TO STDOUT", rows)
        cursor.execute(f"CREATE TABLE copied (LIKE {table.name} INCLUDING ALL)")
        connection.commit()
        rows.seek(0)
        started = time.perf_counter()
        cursor.copy_expert("COPY copied FROM STDIN", rows)
        connection.commit()
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE copied")
        connection.commit()
    finally:
        connection.close()
    return seconds
