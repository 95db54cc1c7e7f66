"""The lists as lines of columns, the same in a page's CSV and in the shell. No line has a student's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from edfi_cte.ledger.listing import school_of

RECORD_COLUMNS = (
    "enrollment",
    "outcome",
    "reason",
    "code",
    "school",
    "calendar",
    "start date",
    "program type",
    "career cluster",
    "program name",
)
EVENT_COLUMNS = (
    "event",
    "queued (UTC)",
    "answered (UTC)",
    "step",
    "action",
    "cause",
    "status",
    "http status",
    "attempts",
    "enrollment",
    "school",
    "program name",
    "begin date",
    "ods id",
    "run",
)
KEPT_COLUMNS = ("state", "action", "cause", "reason", "enrollment", "school", "ods id", "since (UTC)", "seen (UTC)")


def record_line(row: Any) -> tuple[Any, ...]:
    """A record of :func:`edfi_cte.ledger.listing.records`."""
    return (
        row.enrollment_id,
        row.outcome,
        row.reason or "",
        row.detail or "",
        school_of(row),
        row.calendar_name or "",
        row.start_date.isoformat() if row.start_date else "",
        row.cte_program_type or "",
        row.career_cluster or "",
        row.program_name or "",
    )


def event_line(row: Any) -> tuple[Any, ...]:
    """An event of :func:`edfi_cte.ledger.listing.events`."""
    return (
        row.event_id,
        _time(row.queued_at),
        _time(row.answered_at),
        row.step,
        row.action,
        row.cause,
        row.status,
        row.http_status or "",
        row.attempts,
        row.enrollment_id or "",
        school_of(row),
        row.program_name or "",
        row.begin_date or "",
        row.ods_id or "",
        row.run_id,
    )


def kept_line(row: Any) -> tuple[Any, ...]:
    """A kept record of :func:`edfi_cte.ledger.listing.kept_records`."""
    return (
        row.state,
        row.action,
        row.cause,
        row.reason,
        row.enrollment_id or "",
        school_of(row),
        row.ods_id or "",
        _time(row.since),
        _time(row.seen_at),
    )


def cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
