"""Event queue: what was and is to be sent, with each attempt, in the order and columns of Campus's own."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.plan import Action, Cause
from edfi_cte.ledger import listing, overview
from edfi_cte.ledger.columns import EVENT_COLUMNS, event_line
from edfi_cte.ledger.events import EventStatus
from edfi_cte.sync.lane import STEP_NAMES
from edfi_cte.ui.csv import csv_of
from edfi_cte.ui.visit import CurrentVisit, RowId

router = APIRouter()

_STATUSES = [str(status) for status in EventStatus]
_ACTIONS = [str(action) for action in Action]
_STEPS = STEP_NAMES[3:]
_CAUSES = [*(str(cause) for cause in Cause), *(str(rule) for rule in ExclusionRule)]


@router.get("/events")
def events(
    visit: CurrentVisit,
    target: str = "",
    status: str = "",
    action: str = "",
    cause: str = "",
    step: str = "",
    run: str = "",
    error: str = "",
    after: RowId | None = None,
) -> HTMLResponse:
    """A page of the queue, newest first."""
    chosen = {"status": status, "action": action, "cause": cause, "step": step, "run": run, "error": error}
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        page = listing.events(connection, target, _wanted(chosen), after)
        attempts = listing.attempts(connection, [row.event_id for row in page.rows])
        runs = [one.run_id for one in overview.recent_runs(connection, target)]
        targets = visit.targets(connection)
    here = {"target": target} | chosen
    return visit.render(
        "events.html",
        title="Event queue",
        target=target,
        targets=targets,
        page=page,
        attempts=attempts,
        chosen=chosen,
        choices={"status": _STATUSES, "action": _ACTIONS, "cause": _CAUSES, "step": _STEPS, "run": runs},
        is_filtered=any(chosen.values()),
        next_page=visit.url("events", **here, after=page.after) if page.after else None,
        first_page=visit.url("events", **here) if after else None,
        csv=visit.url("events.csv", **here),
        school_of=listing.school_of,
    )


@router.get("/events.csv")
def events_csv(
    visit: CurrentVisit,
    target: str,
    status: str = "",
    action: str = "",
    cause: str = "",
    step: str = "",
    run: str = "",
    error: str = "",
) -> Response:
    """The same list, whole."""
    chosen = {"status": status, "action": action, "cause": cause, "step": step, "run": run, "error": error}
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        rows = listing.pages(lambda after: listing.events(connection, target, _wanted(chosen), after, 1000))
        return csv_of(f"events-{target}", EVENT_COLUMNS, (event_line(row) for page in rows for row in page))


def _wanted(chosen: dict[str, str]) -> listing.Events:
    run_id = chosen["run"] or None
    if run_id and run_id.endswith(" 00:00"):
        # An address in which the "+" of a time's offset has become a blank.
        run_id = run_id.replace(" ", "+")
    return listing.Events(
        status=chosen["status"] or None,
        action=chosen["action"] or None,
        cause=chosen["cause"] or None,
        step=chosen["step"] or None,
        run_id=run_id,
        error_type=chosen["error"] or None,
    )
