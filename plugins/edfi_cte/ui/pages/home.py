"""Overview: a line a target, and first what needs a person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from edfi_cte.ledger import kept, overview
from edfi_cte.ledger.overview import Run
from edfi_cte.ui.access import DAG_ID
from edfi_cte.ui.needs import Need, needs_of
from edfi_cte.ui.pictures import Bar, history
from edfi_cte.ui.visit import CurrentVisit, Visit

router = APIRouter()

LINES = 25
_NEEDS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A target. ``enabled`` is ``None`` where the settings do not have it."""

    target_id: str
    enabled: bool | None
    last: Run | None
    needs: list[Need]
    kept: dict[str, int]
    counted: Run | None = None
    resynced_at: datetime | None = None
    bars: tuple[Bar, ...] = ()


@router.get("/")
def home(visit: CurrentVisit, dag_id: str = "", find: str = "", page: int = Query(1, ge=1)) -> HTMLResponse:
    """Every target, those that need someone first."""
    if dag_id not in ("", DAG_ID):
        return visit.render("elsewhere.html", title="Not an Ed-Fi DAG")
    with visit.ledger() as connection:
        lines = [line for line in _lines(visit, connection) if find.strip().casefold() in line.target_id.casefold()]
        shown = lines[(page - 1) * LINES : page * LINES]
        shown = [_in_detail(connection, line) for line in shown]
    needs = [(line.target_id, need) for line in lines for need in line.needs]
    needs.sort(key=lambda pair: pair[1].urgency)
    return visit.render(
        "home.html",
        title="Overview",
        lines=shown,
        needs=needs[:_NEEDS_SHOWN],
        more_needs=max(0, len(needs) - _NEEDS_SHOWN),
        total=len(lines),
        find=find,
        page=page,
        pages=max(1, -(-len(lines) // LINES)),
        problem=visit.configuration.problem,
    )


def _lines(visit: Visit, connection: sa.Connection) -> list[Line]:
    """Every target, the neediest first, in the settings' order where they are alike."""
    last, states = overview.last_runs(connection), kept.states(connection)
    configured = visit.configuration.targets
    lines = []
    for target_id in visit.targets(connection):
        target, run = configured.get(target_id), last.get(target_id)
        enabled = target.enabled if target else (None if visit.configuration.settings else True)
        counts = states.get(target_id, {})
        lines.append(Line(target_id, enabled, run, needs_of(target_id, enabled, run, counts), counts))
    return sorted(lines, key=lambda line: min((need.urgency for need in line.needs), default=math.inf))


def _in_detail(connection: sa.Connection, line: Line) -> Line:
    runs = overview.recent_runs(connection, line.target_id)
    resynced_at = next((run.resynced_at for run in runs if run.resynced_at), None)
    return Line(
        line.target_id,
        line.enabled,
        line.last,
        line.needs,
        line.kept,
        overview.last_counted(runs),
        resynced_at,
        tuple(history(runs, overview.RUNS_SHOWN)),
    )
