"""Row 8: what a record costs in a first run, by the number of records, up to a million.

At each size all records are extracted, transformed, planned and queued, and then the last of the queue are sent: what
a claim, a request and a settlement cost may grow with the ledger, but not with how many of them there are. What is
before them in the queue is marked as answered by one statement a table, as its settlement would leave it. The same
students have one enrollment, or ten, or fifty, so that the ODS is the same at each size. Then a day comes on
which nothing has changed. The reading of the ODS is not part of it: a sandbox of a million documents would be what is
measured.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.district import build_campus, ods_seed
from bench.lanes import Place, run_apart, seconds_of
from bench.results import Row
from edfi_cte.sync.lane import RESOURCE
from sandbox.ods import RunningOds, serve

SIZES = (20_000, 200_000, 1_000_000)
STUDENTS = SENT = 20_000
FIRST = ("preflight", "extract", "transform")
SENDING = ("upsert", "natural_key_changes", "report")
UNCHANGED = (*FIRST, "report")

_ANSWERED = """
    INSERT INTO edfi_cte_identity_mapping (target_id, key_id, key_exact, ods_id, enrollment_id, payload_hash,
        content_hash, transformed_with, student_unique_id, begin_date, cte_program_type, career_cluster, sent_at)
    SELECT target_id, key_id, key_exact, lower(hex(randomblob(16))), enrollment_id, payload_hash, content_hash,
        transformed_with, student_unique_id, begin_date, cte_program_type, career_cluster, queued_at
    FROM edfi_cte_event WHERE status = 'pending' AND event_id < :first ORDER BY key_id;
    UPDATE edfi_cte_event SET status = 'sent', http_status = 201, answered_at = queued_at, attempts = 1
    WHERE status = 'pending' AND event_id < :first;
"""


@dataclass(frozen=True)
class Cost:
    """Microseconds a record: of each step of the first run, and of the unchanged day after."""

    first: dict[str, float]
    unchanged: float

    @property
    def whole(self) -> float:
        return sum(self.first.values())


def row(sizes: tuple[int, ...] = SIZES) -> Row:
    """Row 8."""
    costs = {size: _cost(size) for size in sizes}
    whole = [cost.whole for cost in costs.values()]
    spread = max(whole) / min(whole)
    figures: dict[str, object] = {f"{size:,}": cost.whole for size, cost in costs.items()}
    figures |= {f"unchanged day at {size:,}": cost.unchanged for size, cost in costs.items()}
    return Row(
        8,
        f"cost of a first run by size, µs a record; of the sends the last {SENT:,}; without the resync",
        "each other",
        "flat within 15 %",
        spread,
        spread <= 1.15,
        figures | {"by step": {f"{size:,}": cost.first for size, cost in costs.items()}},
        "Keys are digests: their index grows at random places, so the more of it there is, the more of its pages a "
        "batch of rows touches.",
    )


def _cost(size: int) -> Cost:
    with _place(size) as (place, ods):
        planned = run_apart(place, "first", FIRST, resync=False)
        _answer_all_but(place, SENT)
        sent = run_apart(place, "first", SENDING, resync=False)
        if ods.control.record_counts()[RESOURCE] != SENT:
            raise RuntimeError("not all was sent")
        unchanged = run_apart(place, "unchanged", UNCHANGED, resync=False)
    first = {name: seconds_of(planned, name) / size * 1e6 for name in FIRST}
    first["upsert"] = seconds_of(sent, "upsert") / SENT * 1e6
    first["report"] = seconds_of(sent, "report") / size * 1e6
    return Cost(first, seconds_of(unchanged) / size * 1e6)


@contextmanager
def _place(size: int) -> Iterator[tuple[Place, RunningOds]]:
    """A Campus of that many associations, and an ODS that knows their students."""
    with (
        TemporaryDirectory(prefix="edfi-cte-bench-") as folder,
        serve(seed=ods_seed(size, size // STUDENTS), api="7.3", claim_set="Ed-Fi Sandbox") as ods,
    ):
        campus = Path(folder) / "campus.duckdb"
        build_campus(campus, size, size // STUDENTS)
        yield Place(str(campus), f"{folder}/ledger.sqlite", ods.base_url, ods.key, ods.secret), ods


def _answer_all_but(place: Place, last: int) -> None:
    with closing(sqlite3.connect(place.ledger)) as ledger, ledger:
        (highest,) = ledger.execute("SELECT max(event_id) FROM edfi_cte_event").fetchone()
        for statement in _ANSWERED.split(";")[:-1]:
            ledger.execute(statement, {"first": highest - last + 1})
