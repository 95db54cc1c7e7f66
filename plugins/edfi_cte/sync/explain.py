"""Why? The story of one record, from the ledger, in the report's words (invariant 10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger import history, kept
from edfi_cte.ledger.records import Outcome


def why(connection: sa.Connection, target_id: str, wanted: str) -> list[str]:
    """What happened to an enrollment id or an ODS id in a target, line by line; empty if the ledger knows nothing.

    The lines hold enrollment ids, ODS ids and codes, never a student's id.
    """
    enrollment_ids = enrollments_of(connection, target_id, wanted)
    lines: list[str] = []
    for enrollment_id in enrollment_ids:
        lines += _record(connection, target_id, enrollment_id)
    lines += _kept(connection, target_id, enrollment_ids, wanted)
    lines += _events(connection, target_id, enrollment_ids, wanted)
    return lines


def enrollments_of(connection: sa.Connection, target_id: str, wanted: str) -> list[int]:
    """The enrollments that an enrollment id or an ODS id stands for."""
    if wanted.isdecimal() and len(wanted) < 19 and history.knows_enrollment(connection, target_id, int(wanted)):
        return [int(wanted)]
    return history.enrollments_of_ods_id(connection, target_id, wanted)


def _record(connection: sa.Connection, target_id: str, enrollment_id: int) -> Iterator[str]:
    row = history.record(connection, target_id, enrollment_id)
    if row is None:
        yield f"enrollment {enrollment_id}: not in the last reading of Campus: deleted there, or no candidate now"
        return
    yield f"enrollment {enrollment_id}: {_outcome(connection, target_id, row)}"
    if row.key_id is None:
        return
    mapped = history.mapping(connection, target_id, row.key_id)
    if mapped is None:
        yield f"  '{row.program_name}' from {row.begin_date}: not known to be in the ODS"
        return
    same = "as it is now" if mapped.payload_hash == row.payload_hash else "in an earlier state"
    behind = "" if mapped.enrollment_id == enrollment_id else f", from enrollment {mapped.enrollment_id}"
    yield (
        f"  '{row.program_name}' from {row.begin_date}: in the ODS as {mapped.ods_id}, "
        f"sent {_time(mapped.sent_at)} UTC {same}{behind}"
    )


def _kept(connection: sa.Connection, target_id: str, enrollment_ids: list[int], wanted: str) -> Iterator[str]:
    for row in kept.listing(connection, target_id):
        if row["ods_id"] == wanted or row["enrollment_id"] in enrollment_ids:
            yield (
                f"  {row['state'].replace('_', ' ')}: {row['action']} because of {row['cause']} is not done, for "
                f"{row['reason']}, since {_time(row['since'])} UTC [{row['run_id']}]; "
                f"it stays in the ODS as {row['ods_id']}"
            )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _outcome(connection: sa.Connection, target_id: str, row: sa.Row[Any]) -> str:
    if row.outcome == Outcome.EXCLUDED:
        return f"excluded by {row.reason}: {ExclusionRule(row.reason).explanation}"
    if row.outcome == Outcome.REJECTED:
        detail = f" ('{row.detail}')" if row.detail else ""
        return f"rejected for {row.reason}{detail}. {RejectionReason(row.reason).advice}"
    if row.outcome == Outcome.SUPERSEDED:
        best = history.desired_enrollment(connection, target_id, row.key_id)
        return (
            f"superseded by enrollment {best}, which has the same natural key and a better service type or, with the "
            "same one, a higher id"
        )
    if row.outcome == Outcome.DESIRED:
        return "desired: it qualifies"
    return "extracted, and not transformed yet"


def _events(connection: sa.Connection, target_id: str, enrollment_ids: list[int], wanted: str) -> Iterator[str]:
    for event, attempts in history.events(connection, target_id, enrollment_ids, wanted):
        answer = f" {event.http_status}" if event.http_status else ""
        at = event.answered_at or event.queued_at
        told = f"{event.action} because of {event.cause}: {event.status}{answer}"
        yield f"  {_time(at)} {told} [{event.run_id}]"
        for attempt in attempts:
            correlation = f" (correlation id {attempt.correlation_id})" if attempt.correlation_id else ""
            yield f"    {attempt.at:%H:%M:%S} {attempt.error_type}: {attempt.message}{correlation} {attempt.advice}"
