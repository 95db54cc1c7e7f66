"""What waits: deletes that a person has to say yes to, records that are held, and those out of the key's reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from edfi_cte.associations.decide import WaitsFor
from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import approvals, bulk, deletions, kept, listing, mappings, overview
from edfi_cte.ledger.columns import KEPT_COLUMNS, kept_line
from edfi_cte.ui.access import DAG_ID
from edfi_cte.ui.csv import csv_of
from edfi_cte.ui.visit import CurrentVisit, Visit

router = APIRouter()

_STATES = {
    "waiting": "Deletes that wait for a person",
    "held": "Held: they stay in the ODS until Campus is corrected, or a person releases them",
    "out_of_reach": "Out of reach: the ODS refuses our delete, or shows them no more",
}


@router.get("/waiting")
def waiting(visit: CurrentVisit, target: str = "", state: str = "", after: str = "") -> HTMLResponse:
    """Each state with its records by cause, and what may be approved."""
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        targets = visit.targets(connection)
        sections = [_section(connection, target, name, after if name == state else "") for name in _STATES]
        said = approvals.approvals(connection, target)[:20]
        guard = _guard(visit, connection, target)
        last = next(iter(overview.recent_runs(connection, target, 1)), None)
    return visit.render(
        "waiting.html",
        title="What waits",
        target=target,
        targets=targets,
        sections=[section for section in sections if section["records"]],
        approvals=said,
        last=last,
        guard=guard,
        api=visit.airflow_url("api", "v2", "dags", DAG_ID, "dagRuns"),
        runs=visit.airflow_url("dags", DAG_ID, "runs"),
        school_of=listing.school_of,
    )


@router.get("/waiting.csv")
def waiting_csv(visit: CurrentVisit, target: str, state: str) -> Response:
    """The records of a state, whole."""
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        rows = listing.pages(lambda after: listing.kept_records(connection, target, state, after, 1000))
        return csv_of(f"{state}-{target}", KEPT_COLUMNS, (kept_line(row) for page in rows for row in page))


def _guard(visit: Visit, connection: sa.Connection, target_id: str) -> dict[str, Any] | None:
    """What the guard counts now, beside what it allows; ``None`` where the settings can't be read."""
    settings = visit.configuration.settings
    if settings is None:
        return None
    limits = settings.guards
    start = bulk.now() - timedelta(hours=limits.delete_window_hours)
    return {
        "hours": limits.delete_window_hours,
        "deleted": deletions.since(connection, target_id, start),
        "known": mappings.count(connection, target_id),
        "share": limits.max_delete_fraction,
        "floor": limits.max_delete_count,
    }


def _section(connection: sa.Connection, target_id: str, state: str, after: str) -> dict[str, Any]:
    counts = [count for count in kept.counts(connection, target_id) if count.state == state]
    page = listing.kept_records(connection, target_id, state, after or None)
    # A list of what the ODS refuses is no one's to approve.
    may_be_approved = {made.state: made for made in approvals.newest(connection, target_id)}
    return {
        "state": state,
        "title": _STATES[state],
        "records": sum(count.records for count in counts),
        "counts": [(count, explanation(count.reason)) for count in counts],
        "page": page,
        "after": after,
        "list": may_be_approved.get(state) if state != "out_of_reach" else None,
    }


def explanation(reason: str) -> str:
    """Why records are kept, in words."""
    if reason in set(WaitsFor):
        return WaitsFor(reason).explanation
    if reason in set(RejectionReason):
        return RejectionReason(reason).advice
    if reason in set(ExclusionRule):
        return ExclusionRule(reason).explanation
    return ""
