"""``edfi-cte check``: is everything there that a run needs?"""

from __future__ import annotations

import argparse
import asyncio
import platform
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from airflow import __version__ as airflow_version
from rich.table import Table
from rich.text import Text

import edfi_cte
from edfi_cte.cli.output import console, print_json
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import open_lane
from edfi_cte.errors import EdfiCteError
from edfi_cte.ods import EdFiClient
from edfi_cte.settings import Target
from edfi_cte.sync.checks import (
    Finding,
    Level,
    check_campus,
    check_campus_server,
    check_clock,
    check_ledger,
    check_ledger_rights,
    check_ods,
    check_programs,
    check_settings,
    check_tokens,
    check_usage,
)
from edfi_cte.sync.lane import Lane, RunOptions


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("check", help="verify a deployment before its first run")
    command.set_defaults(command=check)
    add_target_arguments(command, year_required=False)
    command.add_argument(
        "--strict", action="store_true", help="exit 3 if single records would fail, 4 if there are only warnings"
    )
    command.add_argument("--json", action="store_true", help="the findings as JSON")


def check(options: argparse.Namespace) -> int:
    """Exit code: 1 an error that would stop a target; with ``--strict`` 3 would fail, 4 a warning; else 0."""
    found = {target.target_id: _checked(target) for target in chosen_targets(options)}
    if options.json:
        print_json({target_id: [asdict(finding) for finding in findings] for target_id, findings in found.items()})
    else:
        for target_id, findings in found.items():
            console.print(_table(target_id, findings))
    levels = {finding.level for findings in found.values() for finding in findings}
    codes = {Level.ERROR: 1} | ({Level.WOULD_FAIL: 3, Level.WARNING: 4} if options.strict else {})
    return next((code for level, code in codes.items() if level in levels), 0)


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
    yield from check_tokens(lane)
    yield from check_ledger_rights(lane)
    yield from check_ledger(lane)
    campus = list(check_campus(lane))
    if not any(finding.level == Level.ERROR for finding in campus):
        campus += check_campus_server(lane)
    yield from campus
    if any(finding.level == Level.ERROR for finding in (*settings, *campus)):
        yield Finding(Level.WARNING, "ODS", "not checked: correct the errors above first")
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


_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.WOULD_FAIL: "red", Level.ERROR: "bold red"}


def _table(title: str, findings: list[Finding]) -> Table:
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in ("", "what", "finding"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        level = Text(finding.level, style=_STYLES[finding.level])
        table.add_row(level, Text(finding.subject), Text(finding.message))
    return table
