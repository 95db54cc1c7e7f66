"""Record: one enrollment, or one association, and its story."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from edfi_cte.ledger import history, listing
from edfi_cte.sync.explain import enrollments_of, why
from edfi_cte.ui.comparison import differences
from edfi_cte.ui.visit import CurrentVisit, Visit

router = APIRouter()


@router.get("/record")
def record(visit: CurrentVisit, target: str = "", id: str = "") -> HTMLResponse:  # noqa: A002 - as in an address
    """What the ledger knows of an enrollment id or an ODS id."""
    wanted = id.strip()
    found: list[dict[str, Any]] = []
    story: list[str] = []
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        targets = visit.targets(connection)
        if wanted:
            enrollment_ids = enrollments_of(connection, target, wanted)
            story = why(connection, target, wanted)
            found = [_enrollment(visit, connection, target, number) for number in enrollment_ids]
            events = list(history.events(connection, target, enrollment_ids, wanted))[::-1]
        else:
            events = []
    return visit.render(
        "record.html",
        title="Record",
        target=target,
        targets=targets,
        wanted=wanted,
        found=found,
        story=[line for line in story if not line.startswith("  ")],
        events=events,
        school_of=listing.school_of,
        status=404 if wanted and not story else 200,
    )


def _enrollment(visit: Visit, connection: sa.Connection, target_id: str, enrollment_id: int) -> dict[str, Any]:
    """An enrollment's source row, outcome, mapping, and what is desired beside what was last sent."""
    source = history.source(connection, target_id, enrollment_id)
    outcome = history.record(connection, target_id, enrollment_id)
    key_id = outcome.key_id if outcome is not None else None
    mapped: Sequence[Any] = history.mappings_of(connection, target_id, enrollment_id, key_id)
    sent = history.last_sent_body(connection, target_id, mapped[0]) if mapped else None
    desired = outcome.body if outcome is not None and outcome.outcome == "desired" else None
    return {
        "id": enrollment_id,
        "source": source,
        "outcome": outcome,
        "mapped": mapped,
        "compared": differences(desired, sent, visit.student),
        "has_sent": sent is not None,
        "has_desired": desired is not None,
    }
