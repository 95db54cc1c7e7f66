"""Errors: Campus errors and Ed-Fi errors apart, grouped, each with what to do."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from edfi_cte.ledger import error_groups, overview
from edfi_cte.ledger.error_groups import Group
from edfi_cte.ledger.overview import Run
from edfi_cte.ui.csv import csv_of
from edfi_cte.ui.pages.records import about
from edfi_cte.ui.visit import CurrentVisit

router = APIRouter()

_COLUMNS = (
    "kind",
    "reason",
    "code",
    "school",
    "records",
    "since (UTC)",
    "what to do",
    "message",
    "first enrollments",
)


@router.get("/errors")
def errors(visit: CurrentVisit, target: str = "") -> HTMLResponse:
    """What is wrong now."""
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        run, campus, edfi = _groups(connection, target)
        targets = visit.targets(connection)
    return visit.render(
        "errors.html",
        title="Errors",
        target=target,
        targets=targets,
        run=run,
        campus=campus,
        edfi=edfi,
        csv=visit.url("errors.csv", target=target),
    )


@router.get("/errors.csv")
def errors_csv(visit: CurrentVisit, target: str) -> Response:
    """The same groups."""
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        _, campus, edfi = _groups(connection, target)
    lines = [_line("Campus", group) for group in campus] + [_line("Ed-Fi", group) for group in edfi]
    return csv_of(f"errors-{target}", _COLUMNS, lines)


def _groups(connection: sa.Connection, target_id: str) -> tuple[Run | None, list[Group], list[Group]]:
    """The run that they are of, the Campus errors, the Ed-Fi errors."""
    campus = error_groups.campus_errors(connection, target_id)
    for group in campus:
        group.advice = about(group.reason)
    run = next((one for one in overview.recent_runs(connection, target_id) if one.planned), None)
    if run is None:
        return None, campus, []
    return run, campus, error_groups.edfi_errors(connection, target_id, run.run_id, run.plan_after)


def _line(kind: str, group: Group) -> tuple[Any, ...]:
    since = f"{group.since:%Y-%m-%d %H:%M:%S}" if group.since else ""
    examples = " ".join(map(str, group.examples))
    return (
        kind,
        group.reason,
        group.detail,
        group.school,
        group.records,
        since,
        group.advice,
        group.message,
        examples,
    )
