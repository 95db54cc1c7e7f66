"""The event queue: one row a thing to do, durable before its request is sent; and each failed attempt at it.

From the claim of an event until a definite answer, what its request left in the ODS is in doubt: ``in_doubt`` for
the event's key, ``old_in_doubt`` for the key that a Delete/Post leaves. The next plan clears up what stays in doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Decision, out_of_reach
from edfi_cte.ledger import bulk, deletions, kept, mappings
from edfi_cte.ledger.schema import attempt, event


class EventStatus(StrEnum):
    """pending -> sending -> sent, failed or (a delete that the ODS refuses the key) out of reach.

    Superseded by a newer plan.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    OUT_OF_REACH = "out_of_reach"


UNFINISHED = (EventStatus.PENDING, EventStatus.SENDING)
_LEFT_BEHIND = (EventStatus.FAILED, EventStatus.SUPERSEDED)
"""Of earlier plans, and perhaps in doubt."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that was no success, or none: error type, message and correlation id, no student data.

    ``systemic``: every event would meet it, so the event goes back into the queue. ``outcome_unknown``: the
    request may have been carried out all the same.
    """

    error_type: str
    message: str
    advice: str
    http_status: int | None = None
    correlation_id: str | None = None
    outcome_unknown: bool = False
    systemic: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try at an event.

    ``deleted``: the delete (if the event has one) was answered 2xx or 404. ``ods_id``: the id that a 2xx answer
    to a post or put gave. ``out_of_reach``: the ODS refused the delete since the student has left the key's reach,
    which is no failure. ``failure`` is ``None`` when the event is done.
    """

    event: sa.Row[Any]
    http_status: int | None = None
    deleted: bool = False
    ods_id: str | None = None
    out_of_reach: bool = False
    failure: Failure | None = None


def add(connection: sa.Connection, target_id: str, run_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Queue Posts and Puts: ``rows`` hold the columns of the table but for those that are set here.

    Raises ValueError for an event that deletes: that is made of a decision, by :func:`add_decided`.
    """
    if any(Action(row["action"]).deletes for row in rows):
        raise ValueError("an event that deletes is made of a Decision")
    _add(connection, target_id, run_id, rows)


def add_decided(
    connection: sa.Connection, target_id: str, run_id: str, decided: Sequence[tuple[Decision, dict[str, Any]]]
) -> None:
    """Queue Deletes and Delete/Posts, each made of the decision that lets it pass.

    Raises ValueError for a decision that does not.
    """
    if not all(decision.passes for decision, _ in decided):
        raise ValueError("what is held, waits or is out of reach is not deleted")
    rows = [
        row | {"action": decision.action, "cause": decision.cause, "list_id": decision.list_id}
        for decision, row in decided
    ]
    _add(connection, target_id, run_id, rows)


def _add(connection: sa.Connection, target_id: str, run_id: str, rows: Sequence[dict[str, Any]]) -> None:
    common = {
        "target_id": target_id,
        "run_id": run_id,
        "status": EventStatus.PENDING,
        "in_doubt": False,
        "old_in_doubt": False,
        "attempts": 0,
        "queued_at": bulk.now(),
    }
    bulk.insert(connection, event, [_BLANK | row | common for row in rows])


_BLANK: dict[str, Any] = dict.fromkeys(
    (
        "enrollment_id",
        "key_exact",
        "old_key_id",
        "ods_id",
        "student_unique_id",
        "begin_date",
        "program_name",
        "payload_hash",
        "content_hash",
        "transformed_with",
        "cte_program_type",
        "career_cluster",
        "body",
        "list_id",
    )
)


def supersede(connection: sa.Connection, target_id: str, step: str | None = None) -> None:
    """Set aside what earlier plans left undone; what may have been sent stays in doubt."""
    statement = (
        sa.update(event)
        .where(event.c.target_id == target_id, event.c.status.in_(UNFINISHED))
        .values(status=EventStatus.SUPERSEDED)
    )
    connection.execute(statement if step is None else statement.where(event.c.step == step))


_TO_SEND = (
    *(event.c[name] for name in ("event_id", "run_id", "action", "cause", "key_id", "in_doubt", "old_in_doubt")),
    *(event.c[name] for name in _BLANK),
)
"""What is read of an event to send it, and to say in the mapping what was sent; the doubts are of earlier tries."""


def claim(
    connection: sa.Connection, target_id: str, step: str, token: str, limit: int, *, only: Action | None = None
) -> Sequence[sa.Row[Any]]:
    """The next events in the queue of a step (of one action, or of all), marked as being sent by the try ``token``.

    From here until the answer is settled their outcome is in doubt, whatever becomes of this process. The caller's
    transaction has the target's row locked, so that no two tries claim the same.
    """
    rows = connection.execute(
        sa.select(*_TO_SEND)
        .where(*_waiting(target_id, step, (EventStatus.PENDING,), only))
        .order_by(event.c.event_id)
        .limit(limit)
    ).all()
    for batch in bulk.batches([row.event_id for row in rows], bulk.CHUNK):
        connection.execute(
            sa.update(event)
            .where(event.c.event_id.in_(batch))
            .values(
                status=EventStatus.SENDING,
                claimed_by=token,
                in_doubt=True,
                old_in_doubt=sa.case((event.c.old_key_id.is_not(None), sa.true()), else_=sa.false()),
                attempts=event.c.attempts + 1,
            )
        )
    return rows


def unfinished(connection: sa.Connection, target_id: str, step: str, *, only: Action | None = None) -> int:
    """How many events a step still has to send, of one action or of all."""
    waiting = _waiting(target_id, step, UNFINISHED, only)
    return connection.execute(sa.select(sa.func.count()).select_from(event).where(*waiting)).scalar_one()


def _waiting(
    target_id: str, step: str, statuses: tuple[EventStatus, ...], only: Action | None
) -> list[sa.ColumnElement[bool]]:
    waiting = [event.c.target_id == target_id, event.c.step == step, event.c.status.in_(statuses)]
    if only is not None:
        waiting.append(event.c.action == only)
    return waiting


def settle(connection: sa.Connection, target_id: str, results: Sequence[Result]) -> None:
    """Write results, and what they say of the identity mapping, in the caller's transaction."""
    answered_at = bulk.now()
    for answer, ids in _by_answer(results).items():
        _update(connection, ids, **answer._asdict(), answered_at=answered_at)
    bulk.insert(connection, attempt, [_attempt(r, r.failure, answered_at) for r in results if r.failure is not None])
    # A Put keeps its key, so only a delete takes a mapping away.
    gone = [key for result in results for key in _deleted_keys(result)]
    mappings.remove(connection, target_id, gone)
    kept.drop(connection, target_id, gone)
    deletions.record(connection, target_id, [_deletion(result) for result in results if result.deleted])
    _keep_out_of_reach(connection, target_id, [result for result in results if result.out_of_reach], answered_at)
    mappings.save(connection, target_id, [_mapping(r, answered_at) for r in results if r.ods_id is not None])


def any_doubt(connection: sa.Connection, target_id: str) -> bool:
    """Whether a request of an earlier plan had no definite answer."""
    statement = sa.select(event.c.event_id).where(
        event.c.target_id == target_id,
        event.c.status.in_(_LEFT_BEHIND),
        sa.or_(event.c.in_doubt == sa.true(), event.c.old_in_doubt == sa.true()),
    )
    return connection.execute(statement.limit(1)).first() is not None


def clear_doubt(connection: sa.Connection, target_id: str, results: Sequence[Result]) -> None:
    """A definite answer on a key settles what earlier requests on it may have left."""
    settled = {
        key for result in results if result.failure is None and not result.out_of_reach for key in _keys(result)
    }
    for batch in bulk.batches(settled, bulk.CHUNK):
        for key, doubt in (("key_id", "in_doubt"), ("old_key_id", "old_in_doubt")):
            connection.execute(
                sa.update(event)
                .where(
                    event.c.target_id == target_id,
                    event.c.status.in_(_LEFT_BEHIND),
                    event.c[doubt] == sa.true(),
                    event.c[key].in_(batch),
                )
                .values({doubt: False})
            )


def _keys(result: Result) -> set[str]:
    return {result.event.key_id, result.event.old_key_id} - {None}


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
    failure = result.failure
    if failure is None:
        refused = result.out_of_reach and result.event.action == Action.DELETE
        return _Answer(EventStatus.OUT_OF_REACH if refused else EventStatus.SENT, result.http_status)
    old_key_stays = _deletes_first(result) and not result.deleted
    return _Answer(
        status=EventStatus.PENDING if failure.systemic else EventStatus.FAILED,
        http_status=failure.http_status,
        in_doubt=failure.outcome_unknown and not old_key_stays,
        old_in_doubt=failure.outcome_unknown and old_key_stays,
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


def _deletes_first(result: Result) -> bool:
    return result.event.old_key_id is not None


def _update(connection: sa.Connection, event_ids: Sequence[int], **values: Any) -> None:
    for batch in bulk.batches(event_ids, bulk.CHUNK):
        connection.execute(sa.update(event).where(event.c.event_id.in_(batch)).values(**values))


def _deleted_keys(result: Result) -> list[str]:
    if not result.deleted:
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


def give_back(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> None:
    """Return claimed events that were not sent to the queue, with the doubt that earlier tries left."""
    ids: dict[tuple[bool, bool], list[int]] = defaultdict(list)
    for row in rows:
        ids[row.in_doubt, row.old_in_doubt].append(row.event_id)
    for (in_doubt, old_in_doubt), event_ids in ids.items():
        _update(connection, event_ids, status=EventStatus.PENDING, in_doubt=in_doubt, old_in_doubt=old_in_doubt)


def program_names(connection: sa.Connection, target_id: str, step: str) -> dict[str, int]:
    """The programs that a step's unfinished events refer to, each with how many do."""
    rows = connection.execute(
        sa.select(event.c.program_name, sa.func.count())
        .where(
            event.c.target_id == target_id,
            event.c.step == step,
            event.c.status.in_(UNFINISHED),
            event.c.action != Action.DELETE,
            event.c.program_name.is_not(None),
        )
        .group_by(event.c.program_name)
    )
    return {row.program_name: row[1] for row in rows}
