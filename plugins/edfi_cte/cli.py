"""``edfi-cte``: look into the sync from the shell, with the connections and settings of the Airflow beside it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from airflow import __version__ as airflow_version
from rich.console import Console
from rich.table import Table
from rich.text import Text

import edfi_cte
from edfi_cte.deployment import current_settings, ledger_of, open_lane
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.ledger.database import faults_explained
from edfi_cte.ods import EdFiClient
from edfi_cte.settings import Target
from edfi_cte.sync.checks import (
    Finding,
    Level,
    check_campus,
    check_clock,
    check_ledger,
    check_ledger_rights,
    check_ods,
    check_programs,
    check_settings,
    check_usage,
)
from edfi_cte.sync.explain import why
from edfi_cte.sync.extract import extract
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.transform import derive, plan_counts, planned_events

console = Console(soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Exit code: 0 fine, 1 something is wrong (said in a sentence), 2 misused."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        with _quiet(), faults_explained():
            return command(options)
    except EdfiCteError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1


@contextmanager
def _quiet() -> Iterator[None]:
    """What the hooks say of each connection is for task logs. From 3.2 on Airflow logs by structlog."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(wrapper_class=before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edfi-cte", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="{check,plan,why}")
    check = commands.add_parser("check", help="verify a deployment before its first run")
    check.set_defaults(command=_check)
    plan = commands.add_parser("plan", help="read Campus and say what would be sent; sends nothing")
    plan.add_argument("--list", action="store_true", help="one line an event")
    plan.set_defaults(command=_plan)
    explain = commands.add_parser("why", help="what happened to a record, and why")
    explain.add_argument("id", help="a Campus enrollmentID, or the id of an association in the ODS")
    explain.set_defaults(command=_why)
    for command in (check, plan, explain):
        needed = command is not check
        command.add_argument(
            "--scope-year", type=_scope_year, required=needed, help="a school year by its ending year"
        )
        command.add_argument("--district", help="a district number, where several are configured")
    return parser


def _scope_year(text: str) -> int:
    """Digits as they are on a keyboard: int() takes those of every script, underscores and blanks."""
    if not re.fullmatch("[0-9]{4}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a year, such as 2026")
    return int(text)


def _targets(options: argparse.Namespace) -> list[Target]:
    chosen = current_settings().targets_of(options.scope_year)
    if options.district:
        chosen = [target for target in chosen if target.district_number == options.district]
    if not chosen:
        raise EdfiCteError(f"district {options.district} is not configured for scope year {options.scope_year}")
    return chosen


def _check(options: argparse.Namespace) -> int:
    wrong = 0
    for target in _targets(options):
        findings = _checked(target)
        wrong += sum(finding.level == Level.ERROR for finding in findings)
        console.print(_table(target.target_id, findings))
    return 1 if wrong else 0


def _checked(target: Target) -> list[Finding]:
    """The findings up to the first thing without which nothing more can be looked at, such as a connection."""
    findings: list[Finding] = []
    try:
        findings.extend(_findings(open_lane(target.target_id, "check", RunOptions(dry_run=True))))
    except EdfiCteError as error:
        findings.append(Finding(Level.ERROR, "stopped here", str(error)))
    return findings


def _findings(lane: Lane) -> Iterator[Finding]:
    if not lane.target.enabled:
        yield Finding(Level.WARNING, "toggle", "off: runs leave this target alone")
    yield _versions()
    settings = list(check_settings(lane))
    yield from settings
    yield from check_ledger_rights(lane)
    yield from check_ledger(lane)
    campus = list(check_campus(lane))
    yield from campus
    if any(finding.level == Level.ERROR for finding in (*settings, *campus)):
        yield Finding(Level.WARNING, "ODS", "not looked at: mend the errors above first")
        return
    yield from check_usage(lane)
    yield from asyncio.run(_ods_findings(lane, lane.open_ods()))


async def _ods_findings(lane: Lane, client: EdFiClient) -> list[Finding]:
    async with client:
        findings = [finding async for finding in check_ods(lane, client)]
        if not any(finding.level == Level.ERROR for finding in findings):
            findings += [finding async for finding in check_programs(lane, client)]
            findings += [finding async for finding in check_clock(client)]
    return findings


def _versions() -> Finding:
    major, minor = (int(part) for part in airflow_version.split(".")[:2])
    said = f"edfi-cte {edfi_cte.__version__} on Airflow {airflow_version}, Python {platform.python_version()}"
    if (3, 1) <= (major, minor) < (4, 0):
        return Finding(Level.OK, "versions", said)
    return Finding(Level.ERROR, "versions", f"{said}: Airflow 3.1 to 3.x is needed")


_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def _table(title: str, findings: list[Finding]) -> Table:
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in ("", "what", "finding"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        level = Text(finding.level, style=_STYLES[finding.level])
        table.add_row(level, Text(finding.subject), Text(finding.message))
    return table


def _plan(options: argparse.Namespace) -> int:
    for target in _targets(options):
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
    plan = plan_counts(lane)
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
    for numbers in (plan.by_action, plan.by_cause):
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


def _why(options: argparse.Namespace) -> int:
    ledger = ledger_of(current_settings())
    told = False
    for target in _targets(options):
        with ledger.connect() as connection:
            lines = why(connection, target.target_id, options.id)
        if lines:
            told = True
            console.print("\n".join([target.target_id, *lines]), markup=False, highlight=False)
    if not told:
        console.print(
            f"the ledger knows nothing of '{options.id}' in scope year {options.scope_year}: it was never a "
            "candidate (no career-technical value, another district or year), or it is older than the retention"
        )
    return 0 if told else 1


if __name__ == "__main__":
    sys.exit(main())
