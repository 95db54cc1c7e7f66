"""``edfi-cte plan``: what would a run send?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from edfi_cte.cli.output import console
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import open_lane
from edfi_cte.ledger import runs
from edfi_cte.sync.extract import extract
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.transform import derive, plan_counts, planned_events


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("plan", help="read Campus and say what would be sent; sends nothing")
    command.set_defaults(command=plan)
    command.add_argument("--list", action="store_true", help="one line an event")
    add_target_arguments(command, year_required=True)


def plan(options: argparse.Namespace) -> int:
    for target in chosen_targets(options):
        run_id = f"plan {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
        lane = open_lane(target.target_id, run_id, RunOptions(dry_run=True, allow_mass_delete=True))
        with _held(lane):
            preflight(lane)
            extracted = extract(lane)["extracted"]
            outcomes = derive(lane)
            _print_plan(lane, extracted, outcomes, listing=options.list)
    return 0


@contextmanager
def _held(lane: Lane) -> Iterator[None]:
    with lane.held("plan"):
        try:
            yield
        finally:
            with lane.ledger.begin() as connection:
                runs.finish(connection, lane.target_id, lane.run_id, "dry run", None)
                runs.release(connection, lane.target_id, lane.run_id)


def _print_plan(lane: Lane, extracted: int, outcomes: dict[str, object], *, listing: bool) -> None:
    counts = plan_counts(lane)
    table = Table(title=f"{lane.target_id}: what a run would do", title_justify="left")
    table.add_column("")
    table.add_column("records", justify="right")
    table.add_row("extracted", f"{extracted:,}")
    for name, value in outcomes.items():
        if isinstance(value, dict):
            for reason, n in value.items():
                table.add_row(f"  {name.replace('_', ' ')} {reason}", f"{n:,}")
        else:
            table.add_row(name, f"{value:,}")
    for numbers in (counts.by_action, counts.by_cause):
        table.add_section()
        for name, n in numbers.items():
            table.add_row(name, f"{n:,}")
    console.print(table)
    if listing:
        for found, planned in planned_events(lane):
            side = found.difference.desired or found.difference.mapped
            if planned is not None and side is not None:
                console.print(
                    f"{planned.action:<12} enrollment {side.enrollment_id:<10} because of {planned.cause}",
                    markup=False,
                    highlight=False,
                )
