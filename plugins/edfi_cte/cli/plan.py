"""``edfi-cte plan``: what would a run send?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from edfi_cte.cli.output import console, print_json
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import open_lane
from edfi_cte.ledger import leases, runs
from edfi_cte.sync.extract import extract
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.transform import derive, plan_counts, planned_events


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("plan", help="read Campus and say what would be sent; sends nothing")
    command.set_defaults(command=plan)
    command.add_argument("--list", action="store_true", help="one line an event")
    command.add_argument("--json", action="store_true", help="the plan as JSON; with --list its events, too")
    add_target_arguments(command, year_required=True)


def plan(options: argparse.Namespace) -> int:
    """Reads, and prints the plan of each target."""
    plans: dict[str, Any] = {}
    for target in chosen_targets(options):
        run_id = f"plan {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
        lane = open_lane(target.target_id, run_id, RunOptions(dry_run=True, allow_mass_delete=True))
        with _held(lane):
            preflight(lane)
            numbers = {"extracted": extract(lane)["extracted"], **derive(lane)}
            counts = plan_counts(lane)
            found = {"records": numbers, "planned": counts.by_action, "because_of": counts.by_cause}
            events = _events(lane) if options.list else []
        plans[target.target_id] = found | ({"events": events} if options.list else {})
        if not options.json:
            console.print(_table(target.target_id, found))
            for event in events:
                line = f"{event['action']:<12} enrollment {event['enrollment_id']:<10} because of {event['cause']}"
                console.print(line, markup=False, highlight=False)
    if options.json:
        print_json(plans)
    return 0


@contextmanager
def _held(lane: Lane) -> Iterator[None]:
    try:
        with lane.held("plan"):
            yield
    finally:
        with lane.ledger.begin() as connection:
            runs.finish(connection, lane.target_id, lane.run_id, "dry run", None)
            leases.release(connection, lane.target_id, lane.owner)


def _table(target_id: str, found: dict[str, dict[str, Any]]) -> Table:
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
    return table


def _events(lane: Lane) -> list[dict[str, Any]]:
    """What would be sent, by enrollment; no student's id is in it."""
    events = []
    for found, planned in planned_events(lane):
        side = found.difference.desired or found.difference.mapped
        if planned is not None and side is not None:
            events.append(
                {"action": planned.action, "enrollment_id": side.enrollment_id, "cause": str(planned.cause)}
            )
    return events
