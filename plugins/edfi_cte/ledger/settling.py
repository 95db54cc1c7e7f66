"""What answers leave in the ledger: the event's state, the identity mapping, and what stays in doubt.

A request is settled by a 2xx, by the 404 of a well-formed answer to a delete, or by the refusal of an event's only
try. Whatever else became of one after it went out, it may have been carried out; so may what an earlier try of a
refused event has sent. That doubt stays until a later success on the key, or a whole reading of the ODS, says what is
there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import out_of_reach
from edfi_cte.ledger import bulk, deletions, kept, mappings
from edfi_cte.ledger.events import LEFT_BEHIND, EventStatus, Failure, Result, update
from edfi_cte.ledger.schema import attempt, event


def settle(connection: sa.Connection, target_id: str, results: Sequence[Result]) -> None:
    """Write results, and what they say of the identity mapping, in the caller's transaction."""
    answered_at = bulk.now()
    for answer, ids in _by_answer(results).items():
        update(connection, ids, **answer._asdict(), answered_at=answered_at)
    bulk.insert(connection, attempt, [_attempt(r, r.failure, answered_at) for r in results if r.failure is not None])
    # A Put keeps its key, so only a delete takes a mapping away.
    gone = [key for result in results for key in _deleted_keys(result)]
    mappings.remove(connection, target_id, gone)
    kept.drop(connection, target_id, gone)
    deletions.record(connection, target_id, [_deletion(result) for result in results if result.deleted])
    _keep_out_of_reach(connection, target_id, [result for result in results if result.out_of_reach], answered_at)
    mappings.save(connection, target_id, [_mapping(r, answered_at) for r in results if r.ods_id is not None])
    for result in results:
        if result.restored_id is not None:
            mappings.relocate(connection, target_id, result.event.key_id, result.restored_id)


def settle_by_reading(connection: sa.Connection, target_id: str, run_id: str) -> None:
    """A whole reading of the ODS has shown what is there: what earlier runs have left in doubt is no more.

    What this run has left stays in doubt: its requests may still be on their way.
    """
    connection.execute(
        sa.update(event)
        .where(
            event.c.target_id == target_id,
            event.c.status.in_(LEFT_BEHIND),
            event.c.run_id != run_id,
            sa.or_(event.c.in_doubt == sa.true(), event.c.old_in_doubt == sa.true()),
        )
        .values(in_doubt=False, old_in_doubt=False)
    )


def any_doubt(connection: sa.Connection, target_id: str) -> bool:
    """Whether a request of an earlier plan had no definite answer."""
    statement = sa.select(event.c.event_id).where(
        event.c.target_id == target_id,
        event.c.status.in_(LEFT_BEHIND),
        sa.or_(event.c.in_doubt == sa.true(), event.c.old_in_doubt == sa.true()),
    )
    return connection.execute(statement.limit(1)).first() is not None


def forget_doubt(connection: sa.Connection, target_id: str) -> None:
    """What was sent to another ODS is in no doubt at this one."""
    connection.execute(
        sa.update(event).where(event.c.target_id == target_id).values(in_doubt=False, old_in_doubt=False)
    )


def clear_doubt(connection: sa.Connection, target_id: str, results: Sequence[Result]) -> None:
    """A definite answer on a key settles what earlier requests on it may have left."""
    settled = {key for result in results for key in _settled(result)}
    for batch in bulk.batches(settled, bulk.CHUNK):
        for key, doubt in (("key_id", "in_doubt"), ("old_key_id", "old_in_doubt")):
            connection.execute(
                sa.update(event)
                .where(
                    event.c.target_id == target_id,
                    event.c.status.in_(LEFT_BEHIND),
                    event.c[doubt] == sa.true(),
                    event.c[key].in_(batch),
                )
                .values({doubt: False})
            )


def _settled(result: Result) -> Iterator[str]:
    if result.ods_id is not None or result.restored_id is not None:
        yield result.event.key_id
    if result.deleted or result.moved:
        yield result.event.old_key_id or result.event.key_id


class _Answer(NamedTuple):
    """What an answer sets of its event."""

    status: EventStatus
    http_status: int | None
    in_doubt: bool = False
    old_in_doubt: bool = False


def _by_answer(results: Sequence[Result]) -> dict[_Answer, list[int]]:
    """The event ids that an update can set alike."""
    ids: dict[_Answer, list[int]] = defaultdict(list)
    for result in results:
        ids[_answer(result)].append(result.event.event_id)
    return ids


def _answer(result: Result) -> _Answer:
    """Only a success settles what an earlier try of the event has left in doubt; a refusal speaks of its own try."""
    failure, row = result.failure, result.event
    if failure is None:
        if result.out_of_reach and row.action == Action.DELETE:
            return _Answer(EventStatus.OUT_OF_REACH, result.http_status, row.in_doubt)
        return _Answer(EventStatus.SENT, result.http_status)
    settled = result.restored_id is not None
    return _Answer(
        status=EventStatus.PENDING if failure.systemic else EventStatus.FAILED,
        http_status=failure.http_status,
        in_doubt=not settled and (result.doubt or (row.in_doubt and result.ods_id is None)),
        old_in_doubt=not settled and (result.old_doubt or (row.old_in_doubt and not result.deleted)),
    )


def _attempt(result: Result, failure: Failure, at: Any) -> dict[str, Any]:
    return {
        "event_id": result.event.event_id,
        "at": at,
        "http_status": failure.http_status,
        "error_type": failure.error_type,
        "message": failure.message,
        "advice": failure.advice,
        "correlation_id": failure.correlation_id,
    }


def _deleted_keys(result: Result) -> list[str]:
    if not (result.deleted or result.moved):
        return []
    return [result.event.old_key_id or result.event.key_id]


def _deletion(result: Result) -> dict[str, Any]:
    row = result.event
    columns = ("run_id", "ods_id", "enrollment_id", "cause", "list_id")
    return {name: getattr(row, name) for name in columns} | {"key_id": row.old_key_id or row.key_id}


def _keep_out_of_reach(connection: sa.Connection, target_id: str, refused: Sequence[Result], at: datetime) -> None:
    for result in refused:
        event_row = result.event
        decision = out_of_reach(event_row.cause)
        row = kept.row(
            decision,
            event_row.old_key_id or event_row.key_id,
            enrollment_id=event_row.enrollment_id,
            ods_id=event_row.ods_id,
            refused_at=at,
        )
        kept.keep(connection, target_id, event_row.run_id, kept.FoundBy.PLAN, at, [row])


def _mapping(result: Result, at: Any) -> dict[str, Any]:
    row = result.event
    return {
        "key_id": row.key_id,
        "key_exact": row.key_exact,
        "ods_id": result.ods_id,
        "enrollment_id": row.enrollment_id,
        "payload_hash": row.payload_hash,
        "content_hash": row.content_hash,
        "transformed_with": row.transformed_with,
        "student_unique_id": row.student_unique_id,
        "begin_date": row.begin_date,
        "cte_program_type": row.cte_program_type,
        "career_cluster": row.career_cluster,
        "sent_at": at,
    }
