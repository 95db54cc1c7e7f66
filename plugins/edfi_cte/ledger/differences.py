"""Where the desired associations and the identity mapping disagree.

Both are read in the order of their keys and pass each other, as Campus and the ledger do in extract; only of what
differs are whole rows fetched. No statement joins (see :mod:`.streams`). What is kept in memory meanwhile is a key
and an enrollment id, 24 bytes, of each difference.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.plan import Cause, Difference, Side
from edfi_cte.ledger import bulk, streams
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.schema import event, identity_mapping, record_outcome

_MAY_DOUBT = tuple(status for status in EventStatus if status != EventStatus.SENT)
"""What is sent was answered, and is the bulk of the queue's index."""

_SIDE = tuple(Side.__dataclass_fields__)
_SIDES = len(_SIDE)


class Found(NamedTuple):
    """A difference, with what an event about it has to carry."""

    difference: Difference
    body: str | None
    content_hash: str | None
    program_name: str | None
    ods_id: str | None


def differences(ledger: sa.Engine, target_id: str) -> Iterator[Found]:
    """Every difference of a target, streamed; between two of them no connection is held.

    First what is desired and not mapped (with the key that its enrollment left, if any), then what is both but
    not the same, then what is mapped and not desired, last what an unanswered request may have left behind.
    """
    doubts = _doubts(ledger, target_id)
    compared = _compare(ledger, target_id, doubts)
    fetch = _Fetch(ledger, target_id, compared, doubts)
    left = _Left(compared.left)
    yield from fetch.new(compared.new, left)
    yield from fetch.moved(left)
    yield from fetch.changed(compared.changed)
    yield from fetch.gone(left)
    yield from _doubtful_only(ledger, target_id, compared.unseen)


def in_step(ledger: sa.Engine, target_id: str) -> Iterator[Sequence[str]]:
    """The keys of the desired associations that the ODS is known to hold as they are desired, a page at a time."""
    desired, mapped = (_narrow(table, target_id, 2) for table in (record_outcome, identity_mapping))
    for ours, theirs in streams.windows(ledger, desired, mapped, ""):
        same = ours if ours == theirs else sorted(set(ours).intersection(theirs))
        yield [row[0] for row in same]


def out_of_step(connection: sa.Connection, target_id: str, key_ids: Sequence[str]) -> int:
    """How many of these keys, which ascend, are desired otherwise than the ODS is known to hold them, if it does."""
    statements = {table: _narrow(table, target_id, 2) for table in (record_outcome, identity_mapping)}
    lacking = 0
    for batch in bulk.batches(key_ids, bulk.CHUNK):
        desired, mapped = (
            set(streams.fetch(connection, statement, table.c.key_id, batch, dense=False))
            for table, statement in statements.items()
        )
        lacking += len(desired - mapped)
    return lacking


class _Keys:
    """Keys and their enrollments, packed."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self.enrollments = array("q")

    def add(self, row: streams.Plain) -> None:
        self._keys += bytes.fromhex(row[0])
        self.enrollments.append(row[2])

    def __len__(self) -> int:
        return len(self.enrollments)

    def __getitem__(self, at: int) -> str:
        return self._keys[16 * at : 16 * at + 16].hex()


@dataclass
class _Compared:
    """What is desired alone, both but not the same (or in doubt), mapped alone; and the doubtful keys of neither."""

    unseen: set[str]
    desired: int = 0
    mapped: int = 0
    new: _Keys = field(default_factory=_Keys)
    changed: _Keys = field(default_factory=_Keys)
    left: _Keys = field(default_factory=_Keys)


def _compare(ledger: sa.Engine, target_id: str, doubts: frozenset[str]) -> _Compared:
    found = _Compared(set(doubts))
    desired, mapped = (_narrow(table, target_id, 3) for table in (record_outcome, identity_mapping))
    for ours, theirs in streams.windows(ledger, desired, mapped, ""):
        found.desired += len(ours)
        found.mapped += len(theirs)
        if doubts or ours != theirs:
            _sort_out(ours, theirs, doubts, found)
    return found


def _sort_out(
    ours: Sequence[streams.Plain], theirs: Sequence[streams.Plain], doubts: frozenset[str], found: _Compared
) -> None:
    desired, mapped = (
        {row[0]: row for row in (*apart, *(row for row in rows if row[0] in doubts))}
        for rows, apart in zip((ours, theirs), _apart(ours, theirs), strict=True)
    )
    for key in sorted(desired.keys() | mapped.keys()):
        if key not in mapped:
            found.new.add(desired[key])
        elif key not in desired:
            found.left.add(mapped[key])
        else:
            found.changed.add(desired[key])
    found.unseen -= desired.keys() | mapped.keys()


def _apart(ours: Sequence[streams.Plain], theirs: Sequence[streams.Plain]) -> list[Sequence[streams.Plain]]:
    """Of each side what the other does not have the same. Where all keys are on both sides, they stand in pairs."""
    if len(ours) == len(theirs):
        pairs = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
        if all(left[0] == right[0] for left, right in pairs):
            return [[left for left, _ in pairs], [right for _, right in pairs]]
    return [list(set(ours).difference(theirs)), list(set(theirs).difference(ours))]


def _narrow(table: sa.Table, target_id: str, columns: int) -> sa.Select[Any]:
    """What is compared of a side: key, payload and, as a third column, the enrollment behind it."""
    compared = (table.c.key_id, table.c.payload_hash, table.c.enrollment_id)[:columns]
    return sa.select(*compared).where(*_of(table, target_id))


def _of(table: sa.Table, target_id: str) -> list[sa.ColumnElement[bool]]:
    """What makes a row of the table one of the side that it stands for."""
    of_target = [table.c.target_id == target_id]
    return [*of_target, table.c.outcome == "desired"] if table is record_outcome else of_target


class _Left:
    """The keys that are mapped alone, by enrollment. A record that has a new key takes the first of its own."""

    def __init__(self, keys: _Keys) -> None:
        self._keys = keys
        # Stable: the keys of one enrollment stay in their order.
        self._order = array("q", sorted(range(len(keys)), key=keys.enrollments.__getitem__))
        self._enrollments = array("q", (keys.enrollments[at] for at in self._order))
        self._taken = bytearray(len(keys))

    def take(self, enrollment_id: int) -> bool:
        """Whether the enrollment has left a key, which is then no one else's."""
        at = bisect_left(self._enrollments, enrollment_id)
        if at == len(self._enrollments) or self._enrollments[at] != enrollment_id:
            return False
        self._taken[at] = True
        return True

    def batches(self, *, taken: bool) -> Iterator[dict[str, int]]:
        """The keys that were taken, or were not, each with its enrollment, by ascending enrollment."""
        chosen = (at for at, is_taken in enumerate(self._taken) if bool(is_taken) == taken)
        for places in bulk.batches(chosen, streams.FETCH):
            yield {self._keys[self._order[at]]: self._enrollments[at] for at in places}


class _Fetch:
    """The whole rows of what differs, a batch at a time."""

    def __init__(self, ledger: sa.Engine, target_id: str, compared: _Compared, doubts: frozenset[str]) -> None:
        self._ledger = ledger
        self._doubts = doubts
        self._target_id = target_id
        # Where most rows are wanted a range is read, where few are, those alone.
        self._dense = {
            record_outcome: 2 * (len(compared.new) + len(compared.changed)) > compared.desired,
            identity_mapping: 2 * (len(compared.left) + len(compared.changed)) > compared.mapped,
        }
        desired = (record_outcome.c[name] for name in (*_SIDE, "body", "content_hash", "program_name"))
        mapped = (identity_mapping.c[name] for name in (*_SIDE, "ods_id"))
        self._statements = {
            record_outcome: sa.select(*desired).where(*_of(record_outcome, target_id)),
            identity_mapping: sa.select(*mapped).where(*_of(identity_mapping, target_id)),
        }

    def new(self, keys: _Keys, left: _Left) -> Iterator[Found]:
        """What is desired alone and takes the place of no other key; those that do are marked in ``left``."""
        plain = (keys[at] for at, enrollment_id in enumerate(keys.enrollments) if not left.take(enrollment_id))
        for batch in bulk.batches(plain, streams.FETCH):
            with streams.reading(self._ledger) as connection:
                desired = self._rows(connection, record_outcome, "key_id", batch)
            wanted = set(batch)
            yield from (self._found(row, None) for row in desired if row.key_id in wanted)

    def moved(self, left: _Left) -> Iterator[Found]:
        """What is desired under another key than before."""
        for batch in left.batches(taken=True):
            enrollment_ids = list(batch.values())
            with streams.reading(self._ledger) as connection:
                desired = self._rows(connection, record_outcome, "enrollment_id", enrollment_ids)
                mapped = self._rows(connection, identity_mapping, "enrollment_id", enrollment_ids)
            by_enrollment = {row.enrollment_id: row for row in mapped if row.key_id in batch}
            yield from (
                self._found(row, by_enrollment[row.enrollment_id])
                for row in desired
                if row.enrollment_id in by_enrollment
            )

    def changed(self, keys: _Keys) -> Iterator[Found]:
        """What is both and not the same, or in doubt."""
        for places in bulk.batches(range(len(keys)), streams.FETCH):
            batch = [keys[at] for at in places]
            with streams.reading(self._ledger) as connection:
                desired = self._rows(connection, record_outcome, "key_id", batch)
                mapped = self._rows(connection, identity_mapping, "key_id", batch)
            by_key, wanted = {row.key_id: row for row in mapped}, set(batch)
            yield from (self._found(row, by_key[row.key_id]) for row in desired if row.key_id in wanted)

    def gone(self, left: _Left) -> Iterator[Found]:
        """What is mapped and nothing took."""
        outcomes = _outcomes(self._target_id)
        for batch in left.batches(taken=False):
            enrollment_ids = sorted(set(batch.values()))
            with streams.reading(self._ledger) as connection:
                mapped = self._rows(connection, identity_mapping, "enrollment_id", enrollment_ids)
                became = streams.fetch(
                    connection,
                    outcomes,
                    record_outcome.c.enrollment_id,
                    enrollment_ids,
                    dense=self._dense[identity_mapping],
                )
            by_enrollment = {row.enrollment_id: row for row in became}
            for row in mapped:
                if row.key_id in batch:
                    outcome = by_enrollment.get(row.enrollment_id)
                    difference = Difference(
                        None,
                        Side(*row[:_SIDES]),
                        gone_because=_gone_because(outcome),
                        rejected_for=_rejected_for(outcome),
                    )
                    yield Found(difference, None, None, None, row.ods_id)

    def _rows(
        self, connection: sa.Connection, table: sa.Table, column: str, values: Sequence[Any]
    ) -> list[sa.Row[Any]]:
        statement, dense = self._statements[table], self._dense[table]
        return streams.fetch(connection, statement, table.c[column], values, dense=dense)

    def _found(self, desired: sa.Row[Any], mapped: sa.Row[Any] | None) -> Found:
        difference = Difference(
            desired=Side(*desired[:_SIDES]),
            mapped=None if mapped is None else Side(*mapped[:_SIDES]),
            in_doubt=desired.key_id in self._doubts,
        )
        ods_id = None if mapped is None else mapped.ods_id
        return Found(difference, desired.body, desired.content_hash, desired.program_name, ods_id)


def _gone_because(outcome: sa.Row[Any] | None) -> str:
    """Why a mapped key is desired no more: what became of the record that was behind it."""
    if outcome is None:
        return Cause.ENROLLMENT_DELETED
    return str(outcome.reason) if outcome.outcome in ("excluded", "rejected") else Cause.SUPERSEDED


def _rejected_for(outcome: sa.Row[Any] | None) -> str | None:
    """The reason why the record behind a key is rejected, if it is."""
    return str(outcome.reason) if outcome is not None and outcome.outcome == "rejected" else None


def _outcomes(target_id: str) -> sa.Select[Any]:
    outcome = record_outcome.c
    return sa.select(outcome.enrollment_id, outcome.outcome, outcome.reason).where(outcome.target_id == target_id)


def _doubts(ledger: sa.Engine, target_id: str) -> frozenset[str]:
    """The keys of requests that had no answer. On most days there is none."""
    unanswered = (event.c.target_id == target_id, event.c.status.in_(_MAY_DOUBT))
    keys: set[str] = set()
    with ledger.connect() as connection:
        for key, doubt in ((event.c.key_id, event.c.in_doubt), (event.c.old_key_id, event.c.old_in_doubt)):
            keys.update(connection.scalars(sa.select(key).where(*unanswered, doubt == sa.true()).distinct()))
    return frozenset(keys)


def _doubtful_only(ledger: sa.Engine, target_id: str, keys: set[str]) -> Iterator[Found]:
    """A post without an answer whose key is neither desired nor mapped: the ODS may hold it."""
    if not keys:
        return
    last = (
        sa.select(event.c.key_id, sa.func.max(event.c.event_id).label("event_id"))
        .where(
            event.c.target_id == target_id,
            event.c.status.in_(_MAY_DOUBT),
            event.c.in_doubt == sa.true(),
            event.c.body.is_not(None),
        )
        .group_by(event.c.key_id)
    )
    with ledger.connect() as connection:
        event_ids = sorted(row.event_id for row in connection.execute(last) if row.key_id in keys)
    columns = (*_SIDE, "body", "content_hash", "program_name")
    statement = sa.select(*(event.c[name] for name in columns)).order_by(event.c.event_id)
    for batch in bulk.batches(event_ids, streams.FETCH):
        with ledger.connect() as connection:
            rows = connection.execute(statement.where(event.c.event_id.in_(batch))).all()
            ids = sorted({row.enrollment_id for row in rows})
            became = streams.fetch(connection, _outcomes(target_id), record_outcome.c.enrollment_id, ids, dense=False)
        by_enrollment = {row.enrollment_id: row for row in became}
        for row in rows:
            rejected_for = _rejected_for(by_enrollment.get(row.enrollment_id))
            difference = Difference(None, Side(*row[:_SIDES]), True, Cause.ANSWER_LOST, rejected_for)
            yield Found(difference, row.body, row.content_hash, row.program_name, None)
