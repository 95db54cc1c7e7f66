"""Records: every record of an outcome, a rule or a reason."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import listing
from edfi_cte.ledger.columns import RECORD_COLUMNS, record_line
from edfi_cte.ledger.records import Outcome
from edfi_cte.ui.csv import csv_of
from edfi_cte.ui.visit import CurrentVisit, RowId

router = APIRouter()

_OUTCOMES = [str(outcome) for outcome in Outcome]
_REASONS = [*(str(rule) for rule in ExclusionRule), *(str(reason) for reason in RejectionReason)]


@router.get("/records")
def records(
    visit: CurrentVisit,
    target: str = "",
    outcome: str = "",
    reason: str = "",
    detail: str | None = None,
    school: str | None = None,
    after: RowId | None = None,
) -> HTMLResponse:
    """A page of the records, by enrollment id."""
    wanted = listing.Records(outcome or None, reason or None, detail, school)
    here = {"outcome": outcome, "reason": reason, "detail": detail, "school": school}
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        page = listing.records(connection, target, wanted, after)
        targets = visit.targets(connection)
    return visit.render(
        "records.html",
        title="Records",
        target=target,
        targets=targets,
        page=page,
        chosen=here,
        choices={"outcome": _OUTCOMES, "reason": _REASONS},
        is_filtered=any(here.values()),
        about=about(reason),
        next_page=visit.url("records", target=target, **here, after=page.after) if page.after else None,
        first_page=visit.url("records", target=target, **here) if after else None,
        csv=visit.url("records.csv", target=target, **here),
        school_of=listing.school_of,
    )


@router.get("/records.csv")
def records_csv(
    visit: CurrentVisit,
    target: str,
    outcome: str = "",
    reason: str = "",
    detail: str | None = None,
    school: str | None = None,
) -> Response:
    """The same list, whole."""
    wanted = listing.Records(outcome or None, reason or None, detail, school)
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        rows = listing.pages(lambda after: listing.records(connection, target, wanted, after, 1000))
        return csv_of(f"records-{target}", RECORD_COLUMNS, (record_line(row) for page in rows for row in page))


def about(reason: str) -> str:
    """What a rule or a reason means, and what to do."""
    if reason in set(ExclusionRule):
        return f"Left out because {ExclusionRule(reason).explanation}."
    if reason in set(RejectionReason):
        return RejectionReason(reason).advice
    return ""
