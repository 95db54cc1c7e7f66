"""``python -m bench.pages``: the server's time for each page of Airflow's UI, at a state's size, on SQLite.

1,116 targets and 200,000 records, of which one district has 20,000; 30 runs a target; an event for each desired
record, every hundredth of them refused. Each page is asked for five times; the middle and the longest time are shown.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from edfi_cte.ledger import bulk, schema
from edfi_cte.ledger.database import open_ledger

TARGETS, RECORDS, LARGE, RUNS = 1116, 200_000, 20_000, 30
MARK_SECONDS = 0.3
NOW = bulk.now()


def main() -> int:
    """Prints a line a page; 0, also where the mark was missed."""
    with tempfile.TemporaryDirectory(prefix="edfi-cte-pages-") as folder:
        targets = deploy(Path(folder))
        fill(Path(folder) / "ledger.sqlite", targets)
        for name, times in measure(targets[0]):
            middle, longest = statistics.median(times), max(times)
            missed = "  over the mark" if longest > MARK_SECONDS else ""
            sys.stdout.write(f"{name:<44} {middle * 1000:7.0f} ms {longest * 1000:7.0f} ms{missed}\n")
    return 0


def deploy(folder: Path) -> list[str]:
    """The settings and the connection of a state; its targets by name."""
    districts = [f"{number:06}" for number in range(1, TARGETS // 2 + 1)]
    targets = [
        {
            "district_number": district,
            "scope_year": year,
            "campus_conn_id": "campus",
            "edfi_conn_id": f"edfi_{district}_{year}",
        }
        for year in (2026, 2025)
        for district in districts
    ]
    settings = folder / "edfi_cte.yaml"
    settings.write_text(yaml.safe_dump({"version": 1, "targets": targets}))
    os.utime(settings, (0, 0))
    os.environ["AIRFLOW_HOME"] = str(folder)
    os.environ["AIRFLOW__EDFI_CTE__SETTINGS_FILE"] = str(settings)
    ledger = {"conn_type": "sqlite", "host": str(folder / "ledger.sqlite")}
    os.environ["AIRFLOW_CONN_EDFI_CTE_LEDGER"] = json.dumps(ledger)
    return [f"{target['district_number']}-{target['scope_year']}" for target in targets]


def fill(path: Path, targets: list[str]) -> None:
    """The ledger of a state that has synced for a month."""
    ledger = open_ledger(f"sqlite:///{path}")
    each = (RECORDS - LARGE) // (len(targets) - 1)
    first = 1
    for index, target_id in enumerate(targets):
        count = each if index else LARGE
        with ledger.begin() as connection:
            _target(connection, target_id, count)
            _records(connection, target_id, range(first, first + count))
        first += count
    ledger.dispose()


def _target(connection: sa.Connection, target_id: str, count: int) -> None:
    year = int(target_id[-4:])
    connection.execute(
        sa.insert(schema.target).values(
            target_id=target_id, edfi_conn_id="-", scope_year=year, education_organization_id=int(target_id[:6])
        )
    )
    runs, steps = [], []
    report = {
        "extracted": count,
        "excluded by": {"no_show": count // 3},
        "rejected for": {"student_id_missing": count // 100},
        "desired": count // 2,
        "unchanged": count // 2,
        "sent": {"Post": 3, "Put": 2, "Delete": 1, "Delete/Post": 0},
        "failed": count // 200,
        "desired and in the ODS as such": count // 2,
    }
    for number in range(RUNS):
        run_id, at = f"scheduled__{NOW - timedelta(days=number):%Y-%m-%d}", NOW - timedelta(days=number)
        this = {"target_id": target_id, "run_id": run_id}
        runs.append(this | {"started_at": at, "finished_at": at, "status": "ok", "parameters": "{}"})
        for step in ("preflight", "extract", "transform", "upsert", "resync_ods", "report"):
            counts = json.dumps(report if step == "report" else {"plan_after": 0})
            steps.append(this | {"step": step, "part": step, "began_at": at, "ended_at": at, "counts": counts})
    connection.execute(sa.insert(schema.run), runs)
    connection.execute(sa.insert(schema.run_step), steps)


def _records(connection: sa.Connection, target_id: str, ids: range) -> None:
    run_id = f"scheduled__{NOW:%Y-%m-%d}"
    sources, outcomes, mappings, events, attempts = [], [], [], [], []
    for number in ids:
        key = f"{number:032x}"
        this: dict[str, Any] = {"target_id": target_id, "enrollment_id": number}
        source = {"source_hash": key, "student_unique_id": f"{number:010}", "career_cluster": str(number % 17)}
        school = {"school_number": str(number % 9), "school_name": f"School {number % 9}", "cte_program_type": "0110"}
        sources.append(this | source | school)
        outcome = "desired" if number % 2 else "rejected" if number % 100 == 0 else "excluded"
        reason = {"rejected": "student_id_missing", "excluded": "no_show"}.get(outcome)
        student = {"studentUniqueId": f"{number:010}"}
        body = json.dumps({"beginDate": "2025-08-20", "studentReference": student, "padding": "x" * 400})
        shared = {"key_id": key, "key_exact": key, "payload_hash": key, "content_hash": key, "transformed_with": key}
        wanted = outcome == "desired"
        outcomes.append(
            this | shared | {"outcome": outcome, "reason": reason, "body": body if wanted else None, "since": NOW}
        )
        if not wanted:
            continue
        values = {"student_unique_id": f"{number:010}", "begin_date": "2025-08-20", "cte_program_type": "0110"}
        values |= {"career_cluster": "8"}
        mappings.append(this | shared | values | {"ods_id": key, "sent_at": NOW})
        status = "failed" if number % 100 == 1 else "sent"
        queue = {"run_id": run_id, "step": "upsert", "action": "Post", "cause": "new_record", "status": status}
        doubt = {"in_doubt": False, "old_in_doubt": False, "attempts": 1, "queued_at": NOW, "event_id": number}
        events.append(this | shared | values | queue | doubt | {"body": body})
        if status == "failed":
            answer = {"error_type": "not_yet_enrolled", "message": "refused", "advice": "Enroll the student first."}
            attempts.append({"event_id": number, "at": NOW} | answer)
    tables = (schema.enrollment_record, schema.record_outcome, schema.identity_mapping, schema.event, schema.attempt)
    for table, rows in zip(tables, (sources, outcomes, mappings, events, attempts), strict=True):
        if rows:
            connection.execute(sa.insert(table), rows)


def measure(large: str) -> Iterator[tuple[str, list[float]]]:
    """Each page's times in seconds, the first request after the server's start left out."""
    from fastapi.testclient import TestClient

    from edfi_cte.ui.access import Rights, may_read, rights_of
    from edfi_cte.ui.app import make_app

    app = make_app()
    app.dependency_overrides = {may_read: lambda: None, rights_of: lambda: Rights(edit=True, trigger=True)}
    client = TestClient(app)
    run = f"scheduled__{NOW:%Y-%m-%d}"
    pages = {
        "overview": "/",
        "overview, page 40": "/?page=40",
        "overview, found by number": "/?find=000300",
        "run": f"/run?target={large}&run={run}",
        "event queue": f"/events?target={large}",
        "event queue, failed": f"/events?target={large}&status=failed",
        "event queue, of one error": f"/events?target={large}&status=failed&error=not_yet_enrolled",
        "event queue, of a cause that is rare": f"/events?target={large}&cause=edited_in_ods",
        "event queue, its end": f"/events?target={large}&after=60",
        "errors": f"/errors?target={large}",
        "records": f"/records?target={large}",
        "records, rejected": f"/records?target={large}&outcome=rejected&reason=student_id_missing",
        "records, excluded by a rule": f"/records?target={large}&outcome=excluded&reason=no_show",
        "records, desired in a school": f"/records?target={large}&outcome=desired&school=3",
        "records, its end": f"/records?target={large}&after=19900",
        "record": f"/record?target={large}&id=1",
        "record by ODS id": f"/record?target={large}&id={1:032x}",
        "what waits": f"/waiting?target={large}",
        "preferences": f"/preferences?target={large}",
    }
    for name, path in pages.items():
        times = []
        for _ in range(6):
            started = time.perf_counter()
            answer = client.get(path)
            times.append(time.perf_counter() - started)
            answer.raise_for_status()
        yield name, times[1:]


if __name__ == "__main__":
    sys.exit(main())
