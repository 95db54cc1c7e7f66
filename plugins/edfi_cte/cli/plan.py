"""``edfi-cte plan``: what would a run send, hold, and leave waiting for a person?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from edfi_cte.associations.decide import Decision
from edfi_cte.cli.output import console, print_json
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import open_lane
from edfi_cte.ledger import kept, leases, runs
from edfi_cte.sync import keeping
from edfi_cte.sync.extract import extract
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.planning import Plan, carry_out, make_plan
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.transform import derive

WOULD_STOP = 3
"""The exit code where a run would be red, since deletes wait for a person."""


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser(
        "plan", help="read Campus and say what would be sent, held, and wait for a person; sends nothing"
    )
    command.set_defaults(command=plan)
    command.add_argument("--list", action="store_true", help="one line an event, and one a record that is kept")
    command.add_argument("--json", action="store_true", help="the plan as JSON; with --list its events, too")
    add_target_arguments(command, year_required=True)


def plan(options: argparse.Namespace) -> int:
    """Reads, and prints the plan of each target. Exit code 3: a run would stop at deletes that wait for a person."""
    plans: dict[str, Any] = {}
    for target in chosen_targets(options):
        run_id = f"plan {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
        lane = open_lane(target.target_id, run_id, RunOptions(dry_run=True))
        with _held(lane):
            plans[target.target_id] = found = _found(lane, listing=options.list)
        if not options.json:
            _print(target.target_id, found)
    if options.json:
        print_json(plans)
    return WOULD_STOP if any(found["would_stop"] for found in plans.values()) else 0


@contextmanager
def _held(lane: Lane) -> Iterator[None]:
    try:
        with lane.held("plan"):
            yield
    finally:
        with lane.ledger.begin() as connection:
            runs.finish(connection, lane.target_id, lane.run_id, "dry run", None)
            leases.release(connection, lane.target_id, lane.owner)


def _found(lane: Lane, *, listing: bool) -> dict[str, Any]:
    """What a run would do. ``would_stop``: why it would be red, or ``None``."""
    preflight(lane)
    numbers = {"extracted": extract(lane)["extracted"], **derive(lane)}
    made = make_plan(lane)
    carry_out(lane, made)
    with lane.ledger.begin() as connection:
        standing = keeping.look(connection, lane)
    found = {
        "records": numbers,
        "planned": dict(made.counts.by_action),
        "because_of": dict(made.counts.by_cause),
        "kept": {name: counts for name, counts in standing.counts().items() if counts},
        "advice": standing.advice(lane),
        "would_stop": standing.alarm(lane),
    }
    return found | ({"events": _events(made), "kept_records": _kept(lane)} if listing else {})


def _events(made: Plan) -> list[dict[str, Any]]:
    """What would be sent, by enrollment; no student's id is in it."""
    events = []
    for found, planned in made:
        side = found.difference.desired or found.difference.mapped
        passes = not isinstance(planned, Decision) or planned.passes
        if planned is not None and side is not None and passes:
            events.append(
                {"action": planned.action, "enrollment_id": side.enrollment_id, "cause": str(planned.cause)}
            )
    return events


def _kept(lane: Lane) -> list[dict[str, Any]]:
    """What stays in the ODS, and why; no student's id is in it."""
    shown = ("state", "reason", "action", "cause", "enrollment_id", "ods_id", "since", "run_id")
    with lane.ledger.connect() as connection:
        return [{name: row[name] for name in shown} for row in kept.listing(connection, lane.target_id)]


def _print(target_id: str, found: dict[str, Any]) -> None:
    console.print(_table(target_id, found))
    for event in found.get("events", ()):
        _line(f"{event['action']:<12} enrollment {event['enrollment_id']:<10} because of {event['cause']}")
    for row in found.get("kept_records", ()):
        what = f"enrollment {row['enrollment_id']}" if row["enrollment_id"] else f"ODS record {row['ods_id']}"
        _line(
            f"{row['state']:<12} {what:<21} {row['reason']}: no {row['action']} because of {row['cause']}, "
            f"since {row['since']:%Y-%m-%d}"
        )
    for name, text in found["advice"].items():
        _line(f"{name}: {text}")
    if found["would_stop"]:
        _line(f"A run would stop at deletes that wait for a person. {found['would_stop']}")


def _table(target_id: str, found: dict[str, Any]) -> Table:
    table = Table(title=f"{target_id}: what a run would do", title_justify="left")
    table.add_column("")
    table.add_column("records", justify="right")
    for name, value in found["records"].items():
        if isinstance(value, dict):
            for reason, n in value.items():
                table.add_row(f"  {name.replace('_', ' ')} {reason}", f"{n:,}")
        else:
            table.add_row(name, f"{value:,}")
    for numbers in (found["planned"], found["because_of"]):
        table.add_section()
        for name, n in numbers.items():
            table.add_row(name, f"{n:,}")
    table.add_section()
    for name, by_reason in found["kept"].items():
        for reason, n in by_reason.items():
            table.add_row(f"{name}: {reason}", f"{n:,}")
    return table


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False)
