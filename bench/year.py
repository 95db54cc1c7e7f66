"""Rows 4 to 7: a whole first run, each step in a process of its own; then the days after."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp
import duckdb
import sqlalchemy as sa

from bench.district import SCOPE_YEAR, change_clusters
from bench.lanes import LOADING, RESYNC, Place, Step, district, run_apart, run_here, seconds_of
from bench.results import Row
from bench.sending import bearer
from edfi_cte.campus.reader import BLANKS
from edfi_cte.campus.templates import Templates
from edfi_cte.ledger.schema import identity_mapping, record_outcome
from edfi_cte.sync.changes import BY_CHANGE
from edfi_cte.sync.lane import RESOURCE
from sandbox.ods import RunningOds
from tests.sync.campus import DISTRICT
from tests.sync.world import counting_writes

SMALL, LARGE = 2_000, 200_000
ROUNDS = 3
ONE_IN = 100
EDITED, DELETED = 190, 10
PAGE = 500
WHOLE_RUN = (*LOADING, *RESYNC, "report")
DAILY_RUN = (*LOADING, "report")
"""Without the resync, which row 6 is about."""


@dataclass
class Findings:
    """What was measured: first runs by size, and the days after at the largest."""

    first: dict[int, list[Step]] = field(default_factory=dict)
    changed: dict[int, list[Step]] = field(default_factory=dict)
    read_and_hash: list[float] = field(default_factory=list)
    unchanged: list[list[Step]] = field(default_factory=list)
    unchanged_writes: int = 0
    one_percent: list[list[Step]] = field(default_factory=list)
    paging: list[float] = field(default_factory=list)
    resync: list[list[Step]] = field(default_factory=list)
    resync_requests: int = 0
    by_change: Step | None = None
    by_change_requests: int = 0
    by_change_seconds: float = 0.0


def rows(wanted: set[int]) -> Iterator[Row]:
    """Those of rows 4 to 7 that are wanted."""
    findings = Findings()
    for size in (SMALL, LARGE) if 7 in wanted else (LARGE,):
        with district(size) as (place, ods):
            findings.first[size] = run_apart(place, "first", WHOLE_RUN)
            if size == LARGE:
                _days_after(findings, place, ods)
            change_clusters(Path(place.campus), ONE_IN, 1)
            findings.changed[size] = run_apart(place, "changed", DAILY_RUN, resync=False)
    made = {4: _unchanged_day, 5: _changed_day, 6: _resync, 7: _memory}
    yield from (made[number](findings) for number in sorted(wanted & made.keys()))


def _days_after(findings: Findings, place: Place, ods: RunningOds) -> None:
    for number in range(ROUNDS):
        findings.read_and_hash.append(_read_and_hash(place))
        with counting_writes(ods) as writes:
            findings.unchanged.append(run_here(place, f"unchanged {number}", DAILY_RUN, resync=False))
        findings.unchanged_writes += writes[0]
        change_clusters(Path(place.campus), ONE_IN, 1)
        findings.one_percent.append(run_here(place, f"one percent {number}", DAILY_RUN, resync=False))
        findings.paging.append(asyncio.run(_page_through(ods)))
        run_here(place, f"resync {number}", LOADING)
        ods.control.clear_log()
        findings.resync.append(run_here(place, f"resync {number}", RESYNC, whole_resync=True))
        findings.resync_requests = ods.control.count()
        run_here(place, f"resync {number}", ("report",), whole_resync=True)
    _by_change(findings, place, ods)


def _by_change(findings: Findings, place: Place, ods: RunningOds) -> None:
    """Another client edits and deletes; the next resync reads what has changed."""
    # A run between, so that the window does not reach back to the last changes of our own.
    for number in range(2):
        run_here(place, f"between {number}", WHOLE_RUN)
    engine = place.lane("first").ledger
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(identity_mapping.c.ods_id, record_outcome.c.body)
            .join(record_outcome, record_outcome.c.key_id == identity_mapping.c.key_id)
            .order_by(identity_mapping.c.key_id)
            .limit(EDITED + DELETED)
        ).all()
    engine.dispose()
    for row in rows[:EDITED]:
        ods.control.put(RESOURCE, json.loads(row.body) | {"endDate": f"{SCOPE_YEAR}-01-01"})
    for row in rows[EDITED:]:
        ods.control.delete(RESOURCE, row.ods_id)
    run_here(place, "by change", LOADING)
    ods.control.clear_log()
    steps = run_here(place, "by change", (*RESYNC, "report"))
    written = sum(n for (method, path, _), n in ods.control.counts().items() if method != "GET" and RESOURCE in path)
    # Each Put is looked at once more; those are no part of the reading.
    looked_at = ods.control.count("GET", f"{RESOURCE}/{{id}}")
    findings.by_change, findings.by_change_seconds = steps[0], seconds_of(steps[:1])
    findings.by_change_requests = ods.control.count() - written - looked_at


def _read_and_hash(place: Place) -> float:
    """Seconds to read the rows that extract reads and hash each, with nothing of the reader."""
    statement = Templates(None, "?").render(
        "enrollment_records.sql",
        {
            "blanks": BLANKS,
            "district_number": DISTRICT,
            "scope_year": SCOPE_YEAR,
            "year_start": f"{SCOPE_YEAR - 1}-07-01",
            "year_end": f"{SCOPE_YEAR}-06-30",
        },
        student_id="stateID",
    )
    started = time.perf_counter()
    with duckdb.connect(place.campus, read_only=True) as connection:
        cursor = connection.execute(statement.text, statement.parameters)
        while batch := cursor.fetchmany(2000):
            for row in batch:
                hashlib.blake2b(repr(row).encode(), digest_size=16).hexdigest()
    return time.perf_counter() - started


async def _page_through(ods: RunningOds) -> float:
    """Seconds of a bare loop over the collection."""
    url = f"{ods.base_url}/data/v3/ed-fi/{RESOURCE}"
    started, offset = time.perf_counter(), 0
    async with aiohttp.ClientSession(headers=await bearer(ods)) as session:
        while True:
            async with session.get(url, params={"limit": PAGE, "offset": offset}) as answer:
                page = json.loads(await answer.read())
            offset += len(page)
            if len(page) < PAGE:
                return time.perf_counter() - started


def _unchanged_day(found: Findings) -> Row:
    bare, ours = median(found.read_and_hash), median(map(seconds_of, found.unchanged))
    return Row(
        4,
        f"daily run with nothing changed, {LARGE:,}",
        "reading and hashing the same rows",
        "at most 2 times, no write to the ODS",
        ours / bare,
        ours <= 2 * bare and not found.unchanged_writes,
        {"read and hash": bare, "ours": ours, "writes": found.unchanged_writes, **_by_step(found.unchanged)},
        "An unchanged row is hashed and compared with the ledger's digest, no more; what is left is the ledger's own "
        "reading and the preflight. Hashing in the database would move it, had SQL Server and DuckDB a digest in "
        "common.",
    )


def _changed_day(found: Findings) -> Row:
    unchanged = median(map(seconds_of, found.unchanged))
    sends = median(seconds_of(steps, "upsert", "natural_key_changes") for steps in found.one_percent)
    ours = median(map(seconds_of, found.one_percent)) - sends
    microseconds = (ours - unchanged) / (LARGE / ONE_IN) * 1e6
    return Row(
        5,
        f"a day with 1 % changed, {LARGE:,}, without the sends: µs a changed record",
        "row 4, of which it is what comes on top",
        "at most 150 µs",
        microseconds,
        microseconds <= 150,
        {"unchanged": unchanged, "ours": ours, "sends": sends, **_by_step(found.one_percent)},
        "A changed record is read three times in the ledger and written four times (record, outcome, event, "
        "mapping), each time at a place of its own in a table or index of the whole year, and costs four digests.",
    )


def _resync(found: Findings) -> Row:
    bare, ours = median(found.paging), median(map(seconds_of, found.resync))
    pages = -(-LARGE // PAGE)
    counts = found.by_change.counts if found.by_change else {}
    all_found = counts["edited"] == EDITED and counts["not_in_ods"] == DELETED
    return Row(
        6,
        f"resync of {LARGE:,}: (a) whole; (b) by change, {EDITED} edited and {DELETED} deleted by another client",
        "a bare loop that pages through the collection",
        "(a) at most 1.1 times, requests = pages + a constant; (b) at most 15 requests, all found",
        ours / bare,
        ours <= 1.1 * bare
        and found.resync_requests <= pages + 50
        and all_found
        and found.by_change_requests <= 15
        and counts["read"] == BY_CHANGE,
        {
            "paging": bare,
            "whole": ours,
            "requests of the whole": found.resync_requests,
            "pages": pages,
            "requests by change": found.by_change_requests,
            "by change": found.by_change_seconds,
            "edited found": counts["edited"],
            "deleted found": counts["not_in_ods"],
        },
        "Decoding to typed values is most of a whole reading; at an ODS of 100 ms a page, the reading counts.",
    )


def _memory(found: Findings) -> Row:
    peaks = {size: _peaks(found.first[size], found.changed[size]) for size in (SMALL, LARGE)}
    ratios = {name: peaks[LARGE][name] / peaks[SMALL][name] for name in peaks[LARGE]}
    worst = max(ratios, key=lambda name: ratios[name])
    return Row(
        7,
        f"peak memory of each task at {LARGE:,}",
        f"the same task at {SMALL:,}",
        "at most 1.2 times",
        ratios[worst],
        ratios[worst] <= 1.2,
        {f"{name} MiB": peaks[LARGE][name] for name in ratios} | {"at the small size": peaks[SMALL]},
        f"{worst}. A resync keeps 17 bytes a record to prove that it has read all, each once; a plan the keys that "
        "differ.",
    )


def _peaks(*runs: list[Step]) -> dict[str, float]:
    return {name: max(step.peak_mib for steps in runs for step in steps if step.name == name) for name in WHOLE_RUN}


def _by_step(runs: list[list[Step]]) -> dict[str, object]:
    return {"by step": {name: median(seconds_of(steps, name) for steps in runs) for name in DAILY_RUN}}
