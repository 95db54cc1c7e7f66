"""The event queue: one row a thing to do, durable before its request is sent; and each failed attempt at it.

From the claim of an event until a definite answer, what its request left in the ODS is in doubt: ``in_doubt`` for
the event's key, ``old_in_doubt`` for the key that a Delete/Post leaves. The next plan clears up what stays in doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.associations.decide import Decision
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import event


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
LEFT_BEHIND = (EventStatus.FAILED, EventStatus.SUPERSEDED, EventStatus.OUT_OF_REACH)
"""Of earlier plans, and perhaps in doubt."""


NOT_PUT_BACK = "not_put_back"
"""The error type of a Delete/Post of one key whose post was refused, and the old document too."""


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

    ``deleted``: the delete (if the event has one) was answered 2xx or 404, and what it took away was not put back.
    ``ods_id``: the id that a 2xx answer to a post or put gave. ``restored_id``: the id under which the old document
    was put back. ``moved``: the old record has got the new key, so that none had to be deleted. ``out_of_reach``: the
    ODS refused the delete since the student has left the key's reach, which is no failure. ``failure`` is ``None``
    when the event is done. ``doubt``: a request of this try on the event's key had no answer that says what became
    of it; ``old_doubt``: one on the key that it leaves.
    """

    event: sa.Row[Any]
    http_status: int | None = None
    deleted: bool = False
    ods_id: str | None = None
    restored_id: str | None = None
    moved: bool = False
    out_of_reach: bool = False
    failure: Failure | None = None
    doubt: bool = False
    old_doubt: bool = False


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
        _next(limit, of_one_action=only is not None), {"target": target_id, "of_step": step, "only": only}
    ).all()
    for batch in bulk.batches([row.event_id for row in rows], bulk.CHUNK):
        connection.execute(_claiming(connection.dialect.name), {"token": token, **bulk.given(connection, batch)})
    return rows


@cache
def _next(limit: int, *, of_one_action: bool) -> sa.Select[Any]:
    given = {name: sa.bindparam(name, type_=sa.Unicode) for name in ("target", "of_step", "only")}
    only = given["only"] if of_one_action else None
    waiting = _waiting(given["target"], given["of_step"], (EventStatus.PENDING,), only)
    return sa.select(*_TO_SEND).where(*waiting).order_by(event.c.event_id).limit(limit)


@cache
def _claiming(dialect: str) -> sa.Update:
    return (
        sa.update(event)
        .where(bulk.among_given(dialect, event.c.event_id))
        .values(
            status=EventStatus.SENDING,
            claimed_by=sa.bindparam("token"),
            in_doubt=True,
            old_in_doubt=sa.case((event.c.old_key_id.is_not(None), sa.true()), else_=sa.false()),
            attempts=event.c.attempts + 1,
        )
    )


def unfinished(connection: sa.Connection, target_id: str, step: str, *, only: Action | None = None) -> int:
    """How many events a step still has to send, of one action or of all."""
    waiting = _waiting(target_id, step, UNFINISHED, only)
    return connection.execute(sa.select(sa.func.count()).select_from(event).where(*waiting)).scalar_one()


def _waiting(
    target_id: Any, step: Any, statuses: tuple[EventStatus, ...], only: Any | None
) -> list[sa.ColumnElement[bool]]:
    waiting = [event.c.target_id == target_id, event.c.step == step, event.c.status.in_(statuses)]
    if only is not None:
        waiting.append(event.c.action == only)
    return waiting


def update(connection: sa.Connection, event_ids: Sequence[int], **values: Any) -> None:
    """Set columns of events."""
    statement = _setting(connection.dialect.name, tuple(values))
    new = {f"new_{name}": value for name, value in values.items()}
    for batch in bulk.batches(event_ids, bulk.CHUNK):
        connection.execute(statement, new | bulk.given(connection, batch))


@cache
def _setting(dialect: str, names: tuple[str, ...]) -> sa.Update:
    these = bulk.among_given(dialect, event.c.event_id)
    return sa.update(event).where(these).values({name: sa.bindparam(f"new_{name}") for name in names})


def give_back(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> None:
    """Return claimed events that were not sent to the queue, with the doubt that earlier tries left."""
    ids: dict[tuple[bool, bool], list[int]] = defaultdict(list)
    for row in rows:
        ids[row.in_doubt, row.old_in_doubt].append(row.event_id)
    for (in_doubt, old_in_doubt), event_ids in ids.items():
        update(connection, event_ids, status=EventStatus.PENDING, in_doubt=in_doubt, old_in_doubt=old_in_doubt)


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
