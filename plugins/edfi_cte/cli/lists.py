"""``edfi-cte list``: whatever was rejected, excluded, failed, is held or waits, by cause; and the event queue."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Worth
from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.cli.output import console, print_json
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import current_settings, ledger_of
from edfi_cte.ledger import listing, overview
from edfi_cte.ledger.columns import (
    EVENT_COLUMNS,
    KEPT_COLUMNS,
    RECORD_COLUMNS,
    cell,
    event_line,
    kept_line,
    record_line,
)
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.records import Outcome

PAGE = 1000
_KEPT = {"held": Worth.HELD, "waiting": Worth.WAITING, "out_of_reach": Worth.OUT_OF_REACH}
_ANY = "any"

Lines = Iterator[tuple[Any, ...]]


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("list", help="records by outcome or reason, events, and what is held or waits")
    command.set_defaults(command=lists)
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--rejected", nargs="?", const=_ANY, metavar="REASON", choices=[_ANY, *_names(RejectionReason)])
    what.add_argument("--excluded", nargs="?", const=_ANY, metavar="RULE", choices=[_ANY, *_names(ExclusionRule)])
    for outcome in (Outcome.SUPERSEDED, Outcome.DESIRED):
        what.add_argument(f"--{outcome}", action="store_true", help=f"the records that are {outcome}")
    what.add_argument("--failed", action="store_true", help="the events that the ODS refused in the last run")
    for name in _KEPT:
        what.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=f"records that are {name}")
    what.add_argument("--events", action="store_true", help="the event queue, newest first; the options below choose")
    command.add_argument("--status", choices=_names(EventStatus))
    command.add_argument("--action", choices=_names(Action))
    command.add_argument("--cause", help=f"such as {Cause.NEW_RECORD}, or a rule's name")
    command.add_argument("--step", help="such as upsert")
    command.add_argument("--run", help="a run's id")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true")
    form.add_argument("--json", action="store_true")
    add_target_arguments(command, year_required=True)


def _names(of: type[StrEnum]) -> list[str]:
    """Plain texts: argparse shows how Python writes a value."""
    return [str(one) for one in of]


def lists(options: argparse.Namespace) -> int:
    columns, read = _chosen(options)
    with ledger_of(current_settings()).connect() as connection:
        targets = [target.target_id for target in chosen_targets(options)]
        lines = ((target_id, *line) for target_id in targets for line in read(connection, target_id))
        _print(options, ("target", *columns), lines)
    return 0


def _chosen(options: argparse.Namespace) -> tuple[tuple[str, ...], Callable[[sa.Connection, str], Lines]]:
    """The columns, and what reads a target's lines."""
    if options.events or options.failed:
        return EVENT_COLUMNS, partial(_events, options)
    for name, state in _KEPT.items():
        if getattr(options, name):
            return KEPT_COLUMNS, partial(_kept, state)
    for outcome in Outcome:
        reason = getattr(options, outcome)
        if reason:
            wanted = listing.Records(outcome, reason if isinstance(reason, str) and reason != _ANY else None)
            return RECORD_COLUMNS, partial(_records, wanted)
    raise AssertionError("argparse wants one of them")


def _records(wanted: listing.Records, connection: sa.Connection, target_id: str) -> Lines:
    pages = listing.pages(lambda after: listing.records(connection, target_id, wanted, after, PAGE))
    return (record_line(row) for page in pages for row in page)


def _events(options: argparse.Namespace, connection: sa.Connection, target_id: str) -> Lines:
    wanted = listing.Events(options.status, options.action, options.cause, options.step, options.run)
    if options.failed:
        last = next((run for run in overview.recent_runs(connection, target_id) if run.planned), None)
        if last is None:
            return iter(())
        wanted = replace(wanted, status=EventStatus.FAILED, run_id=last.run_id, plan_after=last.plan_after)
    pages = listing.pages(lambda after: listing.events(connection, target_id, wanted, after, PAGE))
    return (event_line(row) for page in pages for row in page)


def _kept(state: Worth, connection: sa.Connection, target_id: str) -> Lines:
    pages = listing.pages(lambda after: listing.kept_records(connection, target_id, state, after, PAGE))
    return (kept_line(row) for page in pages for row in page)


def _print(options: argparse.Namespace, columns: tuple[str, ...], lines: Lines) -> None:
    if options.json:
        print_json([dict(zip(columns, line, strict=True)) for line in lines])
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(value) for value in line] for line in lines)
    else:
        console.print("\n".join(_aligned(columns, list(lines))) or "none", markup=False, highlight=False)


def _aligned(columns: tuple[str, ...], lines: list[tuple[Any, ...]]) -> Iterator[str]:
    """The lines under their columns, but for those that no line has a value in. Never folded: it is for grep, too."""
    if not lines:
        return
    texts = [columns, *(tuple(str(value) for value in line) for line in lines)]
    used = [at for at in range(len(columns)) if any(text[at] for text in texts[1:])]
    widths = {at: max(len(text[at]) for text in texts) for at in used}
    for text in texts:
        yield "  ".join(text[at].ljust(widths[at]) for at in used).rstrip()
