"""Answers are written together, each as it was, in a number of statements that does not grow with them."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import events, settling
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ledger.schema import attempt, event

TARGET = "039141-2026"
REFUSED = Failure("reference", "no such student\\\nat all", "add the student", http_status=409, correlation_id="c-1")
BUSY = Failure("unavailable", "busy", "wait", http_status=503, systemic=True)
UNANSWERED = Failure("timeout", "no answer", "wait", outcome_unknown=True)


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url)
    yield engine
    engine.dispose()


def claimed(connection: sa.Connection, old_keys: list[str | None]) -> list[sa.Row[Any]]:
    """Events being sent, one for each of ``old_keys``."""
    words = ("student_unique_id", "begin_date", "cte_program_type", "career_cluster")
    digests = dict.fromkeys(("key_exact", "payload_hash", "content_hash", "transformed_with"), "a" * 32)
    common = dict.fromkeys(words, "") | digests | {"step": "upsert", "action": "Post", "cause": "new"}
    rows = [
        common | {"key_id": f"{number:032}", "enrollment_id": number, "old_key_id": old}
        for number, old in enumerate(old_keys)
    ]
    events.add(connection, TARGET, "run", rows)
    return events.claim(connection, TARGET, "upsert", "one", len(rows))


def test_each_failure_is_kept_with_what_it_leaves_in_doubt(ledger: sa.Engine):
    old = "f" * 32
    with ledger.begin() as connection:
        rows = claimed(connection, [None, None, None, old, old])
        said: list[dict[str, Any]] = [
            {"failure": REFUSED},
            {"failure": BUSY, "doubt": True},
            {"failure": UNANSWERED, "doubt": True},
            {"failure": UNANSWERED, "ods_id": "a", "old_doubt": True},
            {"failure": UNANSWERED, "doubt": True},
        ]
        settling.settle(connection, TARGET, [result(row, **kind) for row, kind in zip(rows, said, strict=True)])
        assert states(connection) == [
            ("failed", 409, False, False),
            ("pending", 503, True, False),
            ("failed", None, True, False),
            ("failed", None, False, True),
            ("failed", None, True, False),
        ]
        kept = connection.execute(sa.select(attempt).order_by(attempt.c.attempt_id)).all()
    assert [row.event_id for row in kept] == [row.event_id for row in rows]
    assert kept[0][3:] == (409, "reference", "no such student\\\nat all", "add the student", "c-1")


@pytest.mark.parametrize(
    ("second", "left"),
    [
        ({"failure": REFUSED}, ("failed", 409, True, True)),
        ({"failure": BUSY, "doubt": True}, ("pending", 503, True, True)),
        ({"failure": REFUSED, "ods_id": "a"}, ("failed", 409, False, True)),
        ({"ods_id": "a", "deleted": True}, ("sent", None, False, False)),
        ({"failure": REFUSED, "restored_id": "b"}, ("failed", 409, False, False)),
    ],
    ids=["refused", "busy", "posted, its delete refused", "done", "put back"],
)
def test_only_a_success_settles_what_an_earlier_try_of_the_event_has_left(
    ledger: sa.Engine, second: dict[str, Any], left: tuple[Any, ...]
):
    """The first try's worker was killed after its request was sent: nothing was settled."""
    with ledger.begin() as connection:
        claimed(connection, ["f" * 32])
        connection.execute(sa.update(event).values(status="pending"))
        [row] = events.claim(connection, TARGET, "upsert", "two", 1)
        settling.settle(connection, TARGET, [result(row, **second)])
        assert states(connection) == [left]


def result(row: sa.Row[Any], failure: Failure | None = None, **said: Any) -> Result:
    return Result(row, failure and failure.http_status, failure=failure, **said)


def states(connection: sa.Connection) -> list[Any]:
    columns = (event.c.status, event.c.http_status, event.c.in_doubt, event.c.old_in_doubt)
    return list(connection.execute(sa.select(*columns).order_by(event.c.event_id)).all())


def test_many_failures_take_no_more_statements_than_one(ledger: sa.Engine):
    with ledger.begin() as connection:
        one, *many = claimed(connection, [None] * 200)
        assert statements(connection, [one]) == statements(connection, many)


def statements(connection: sa.Connection, rows: list[sa.Row[Any]]) -> int:
    """How many statements it takes to settle these as refused."""
    sent: list[str] = []

    @sa.event.listens_for(connection, "before_cursor_execute")
    def _sent(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    settling.settle(connection, TARGET, [Result(row, failure=REFUSED) for row in rows])
    sa.event.remove(connection, "before_cursor_execute", _sent)
    return len(sent)


def test_a_whole_reading_settles_the_doubt_that_earlier_runs_have_left_of_either_record(ledger: sa.Engine):
    with ledger.begin() as connection:
        rows = claimed(connection, [None, "f" * 32])
        said: list[dict[str, Any]] = [
            {"failure": UNANSWERED, "doubt": True},
            {"failure": UNANSWERED, "ods_id": "a", "old_doubt": True},
        ]
        settling.settle(connection, TARGET, [result(row, **kind) for row, kind in zip(rows, said, strict=True)])
        settling.settle_by_reading(connection, TARGET, "run")
        assert [state[2:] for state in states(connection)] == [(True, False), (False, True)], "of this run itself"
        settling.settle_by_reading(connection, TARGET, "a later run")
        assert [state[2:] for state in states(connection)] == [(False, False), (False, False)]
