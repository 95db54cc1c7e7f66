"""Where the desired associations and the identity mapping disagree: the plan's set-based half."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.plan import Cause, Difference, Side
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.schema import event, identity_mapping, record_outcome

PAGE = 5000

_MAY_DOUBT = tuple(status for status in EventStatus if status != EventStatus.SENT)
"""What is sent was answered, and is the bulk of the queue's index."""

_SIDE = tuple(Side.__dataclass_fields__)

Keyed = tuple[sa.Select[Any], sa.ColumnElement[str]]
"""A statement and the column that its rows are paged by; made once a target."""


class Found(NamedTuple):
    """A difference, with what an event about it has to carry."""

    difference: Difference
    body: str | None
    content_hash: str | None
    program_name: str | None
    ods_id: str | None


def differences(connection: sa.Connection, target_id: str) -> Iterator[Found]:
    """Every difference of a target, streamed.

    First what is desired and not mapped (with the key that its enrollment left, if any), then what is both but
    not the same, then what is mapped and not desired, last what an unanswered request may have left behind.
    """
    # Most days nothing is in doubt, and the joins need not look for it; nor need those be made that find nothing.
    doubts = connection.execute(_doubtful(target_id).limit(1)).first() is not None
    keys = _compare(connection, target_id)
    if keys.shared < keys.desired:
        yield from _paged(connection, *_desired_only(target_id, doubts))
    if keys.differing or doubts:
        yield from _paged(connection, *_both(target_id, doubts))
    if keys.shared < keys.mapped:
        yield from _paged(connection, *_mapped_only(target_id))
    if doubts:
        yield from _doubtful_only(connection, target_id)


class _Keys(NamedTuple):
    """How many keys are desired, are mapped, are both, and are both without being the same."""

    desired: int
    mapped: int
    shared: int
    differing: int


def _compare(connection: sa.Connection, target_id: str) -> _Keys:
    """A key is desired once at most, and mapped once: what is both leaves what is only one."""
    desired, mapped = _desired("d", target_id), _mapped("m", target_id)
    differs = sa.case((sa.or_(*_differs(desired, mapped)), 1), else_=0)
    both = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(differs), 0)).select_from(
        desired.join(mapped, mapped.c.key_id == desired.c.key_id)
    )
    shared, differing = connection.execute(both).one()
    keys = _Keys(_count(connection, desired), _count(connection, mapped), shared, differing)
    connection.rollback()
    return keys


def _count(connection: sa.Connection, side: sa.Subquery) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(side)).scalar_one()


def _differs(desired: sa.Subquery, mapped: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    return [mapped.c.payload_hash != desired.c.payload_hash, mapped.c.enrollment_id != desired.c.enrollment_id]


def _desired(name: str, target_id: str) -> sa.Subquery:
    return (
        sa.select(record_outcome)
        .where(record_outcome.c.target_id == target_id, record_outcome.c.outcome == "desired")
        .subquery(name)
    )


def _mapped(name: str, target_id: str) -> sa.Subquery:
    return sa.select(identity_mapping).where(identity_mapping.c.target_id == target_id).subquery(name)


def _doubtful(target_id: str) -> sa.CompoundSelect[Any]:
    """The keys of requests that had no answer."""
    unanswered = (event.c.target_id == target_id, event.c.status.in_(_MAY_DOUBT))
    return sa.union(
        sa.select(event.c.key_id.label("key_id")).where(*unanswered, event.c.in_doubt == sa.true()),
        sa.select(event.c.old_key_id.label("key_id")).where(*unanswered, event.c.old_in_doubt == sa.true()),
    )


def _with_doubt(
    rows: sa.FromClause, key: sa.ColumnElement[str], target_id: str, doubts: bool
) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    """``rows`` with the column that is not null where ``key`` is in doubt."""
    if not doubts:
        return rows, sa.null()
    doubtful = _doubtful(target_id).subquery("doubtful")
    return rows.outerjoin(doubtful, doubtful.c.key_id == key), doubtful.c.key_id


def _left_keys(target_id: str) -> sa.Subquery:
    """One key a source enrollment that is mapped and desired no more."""
    mapped, desired = _mapped("left_mapped", target_id), _desired("left_desired", target_id)
    return (
        sa.select(mapped.c.enrollment_id, sa.func.min(mapped.c.key_id).label("key_id"))
        .select_from(mapped.outerjoin(desired, desired.c.key_id == mapped.c.key_id))
        .where(desired.c.key_id.is_(None))
        .group_by(mapped.c.enrollment_id)
        .subquery("left_keys")
    )


def _columns(desired: sa.Subquery, mapped: sa.Subquery) -> list[sa.Label[Any]]:
    return [
        *(desired.c[name].label(f"d_{name}") for name in _SIDE),
        *(mapped.c[name].label(f"m_{name}") for name in _SIDE),
        desired.c.body.label("body"),
        desired.c.content_hash.label("content_hash"),
        desired.c.program_name.label("program_name"),
        mapped.c.ods_id.label("ods_id"),
    ]


@cache
def _desired_only(target_id: str, doubts: bool) -> Keyed:
    desired, same, mapped = _desired("d", target_id), _mapped("same", target_id), _mapped("m", target_id)
    left = _left_keys(target_id)
    rows, doubt = _with_doubt(
        desired.outerjoin(same, same.c.key_id == desired.c.key_id)
        .outerjoin(left, left.c.enrollment_id == desired.c.enrollment_id)
        .outerjoin(mapped, mapped.c.key_id == left.c.key_id),
        desired.c.key_id,
        target_id,
        doubts,
    )
    statement = sa.select(*_columns(desired, mapped), doubt.label("doubt")).select_from(rows)
    return statement.where(same.c.key_id.is_(None)), desired.c.key_id


@cache
def _both(target_id: str, doubts: bool) -> Keyed:
    desired, mapped = _desired("d", target_id), _mapped("m", target_id)
    rows, doubt = _with_doubt(
        desired.join(mapped, mapped.c.key_id == desired.c.key_id), desired.c.key_id, target_id, doubts
    )
    differs = _differs(desired, mapped)
    if doubts:
        differs.append(doubt.is_not(None))
    statement = sa.select(*_columns(desired, mapped), doubt.label("doubt")).select_from(rows)
    return statement.where(sa.or_(*differs)), desired.c.key_id


@cache
def _mapped_only(target_id: str) -> Keyed:
    """Mapped and not desired, but for the keys that a Delete/Post of :func:`_desired_only` has taken."""
    desired, mapped = _desired("d", target_id), _mapped("m", target_id)
    left, rekeyed, rekeyed_same = _left_keys(target_id), _desired("r", target_id), _mapped("rs", target_id)
    source = sa.select(record_outcome).where(record_outcome.c.target_id == target_id).subquery("source")
    taken = (
        sa.select(left.c.key_id)
        .select_from(
            left.join(rekeyed, rekeyed.c.enrollment_id == left.c.enrollment_id).outerjoin(
                rekeyed_same, rekeyed_same.c.key_id == rekeyed.c.key_id
            )
        )
        .where(rekeyed_same.c.key_id.is_(None))
        .subquery("taken")
    )
    statement = (
        sa.select(
            *_columns(desired, mapped),
            sa.null().label("doubt"),
            source.c.outcome.label("outcome"),
            source.c.reason.label("reason"),
        )
        .select_from(
            mapped.outerjoin(desired, desired.c.key_id == mapped.c.key_id)
            .outerjoin(taken, taken.c.key_id == mapped.c.key_id)
            .outerjoin(source, source.c.enrollment_id == mapped.c.enrollment_id)
        )
        .where(desired.c.key_id.is_(None), taken.c.key_id.is_(None))
    )
    return statement, mapped.c.key_id


def _doubtful_only(connection: sa.Connection, target_id: str) -> Iterator[Found]:
    """A post without an answer whose key is neither desired nor mapped: the ODS may hold it."""
    desired, mapped = _desired("d", target_id), _mapped("m", target_id)
    statement = (
        sa.select(event.c.key_id, sa.func.max(event.c.event_id).label("event_id"))
        .select_from(
            event.outerjoin(desired, desired.c.key_id == event.c.key_id).outerjoin(
                mapped, mapped.c.key_id == event.c.key_id
            )
        )
        .where(
            event.c.target_id == target_id,
            event.c.status.in_(_MAY_DOUBT),
            event.c.in_doubt == sa.true(),
            event.c.body.is_not(None),
            desired.c.key_id.is_(None),
            mapped.c.key_id.is_(None),
        )
        .group_by(event.c.key_id)
        .subquery("last")
    )
    rows = connection.execute(sa.select(event).join(statement, statement.c.event_id == event.c.event_id))
    for row in rows:
        side = Side(
            key_id=row.key_id,
            key_exact=row.key_exact,
            payload_hash=row.payload_hash,
            enrollment_id=row.enrollment_id,
            transformed_with=row.transformed_with,
            student_unique_id=row.student_unique_id,
            begin_date=row.begin_date,
            cte_program_type=row.cte_program_type,
            career_cluster=row.career_cluster,
        )
        yield Found(
            Difference(None, side, True, Cause.ANSWER_LOST), row.body, row.content_hash, row.program_name, None
        )


def _paged(connection: sa.Connection, statement: sa.Select[Any], key: sa.ColumnElement[str]) -> Iterator[Found]:
    """The rows of ``statement`` by ``key``, with no transaction left open while the caller writes."""
    after = ""
    while True:
        rows = connection.execute(statement.where(key > after).order_by(key).limit(PAGE)).all()
        connection.rollback()
        for row in rows:
            yield _found(row)
        if len(rows) < PAGE:
            return
        after = rows[-1].d_key_id or rows[-1].m_key_id


def _found(row: sa.Row[Any]) -> Found:
    desired = _side(row[: len(_SIDE)])
    difference = Difference(
        desired=desired,
        mapped=_side(row[len(_SIDE) : 2 * len(_SIDE)]),
        in_doubt=row.doubt is not None,
        gone_because=_gone_because(row) if desired is None else None,
    )
    return Found(difference, row.body, row.content_hash, row.program_name, row.ods_id)


def _side(values: Sequence[Any]) -> Side | None:
    """The side whose columns, in the order of ``_SIDE``, these are."""
    return None if values[0] is None else Side(*values)


def _gone_because(row: sa.Row[Any]) -> str | None:
    """Why a mapped key is desired no more: what became of the record that was behind it."""
    if row.outcome in ("excluded", "rejected"):
        return str(row.reason)
    if row.outcome in ("superseded", "desired"):
        return Cause.SUPERSEDED
    return Cause.ENROLLMENT_DELETED
