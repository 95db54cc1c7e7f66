# ruff: noqa: DTZ001, DTZ901 - the ledger's times have no zone
"""Rows written in batches are the rows that were given, on every database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlfluff.core import FluffConfig, Linter

from edfi_cte.ledger import bulk
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import attempt, enrollment_record, event, identity_mapping, metadata

TARGET = "039141-2026"
AT = datetime(2026, 2, 28, 23, 59, 59, 123456)
AWKWARD = [
    None,
    "",
    " ",
    "trailing blanks  ",
    "case",
    "CASE",
    "it's \"quoted\" ''twice''",
    "N'; DROP TABLE edfi_cte_event; --",
    "back\\slash \\n \\\\ \\N",
    "backslash, then newline \\\n of a new line \\\r\n",
    "tab\tnewline\nreturn\r\ncontrol\x01",
    "%s %(rows)s :rows {} $[0] 100 %",
    '{"a": [1, null], "b": "\\u0000"}',
    "null",
    "Zoë 北京 \u202e \ufeff",
    "e\u0301 is not \u00e9",
    "non-BMP \U0001f393 \U00020bb7",
]


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url)
    yield engine
    engine.dispose()


def event_row(**columns: Any) -> dict[str, Any]:
    """A row of the queue, all its columns but the id given."""
    required = {
        "target_id": TARGET,
        "run_id": "run",
        "step": "upsert",
        "action": "Post",
        "cause": "new",
        "key_id": "0" * 32,
        "status": "pending",
        "in_doubt": False,
        "old_in_doubt": False,
        "attempts": 0,
        "queued_at": AT,
    }
    return dict.fromkeys(event.columns.keys()[1:]) | required | columns


def written(ledger: sa.Engine, table: sa.Table, rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """What the table holds once ``rows`` are in it, in those columns."""
    with ledger.begin() as connection:
        bulk.insert(connection, table, rows)
    with ledger.connect() as connection:
        found = connection.execute(sa.select(*(table.c[name] for name in rows[0])).order_by(table.c[by]))
        return [dict(row._mapping) for row in found]


def test_text_is_kept_as_it_is(ledger: sa.Engine):
    rows = [event_row(career_cluster=text, body=text) for text in AWKWARD]
    assert written(ledger, event, rows, "event_id") == rows


@pytest.mark.parametrize("length", [4_000, 4_001, 8_001, 100_000])
def test_long_text_is_kept_whole(ledger: sa.Engine, length: int):
    rows = [event_row(body=("\\'\"\n\U0001f393" * length)[:length])]
    assert written(ledger, event, rows, "event_id") == rows


def test_times_numbers_and_flags_are_kept_as_they_are(ledger: sa.Engine):
    times = [AT, AT.replace(microsecond=0), AT.replace(microsecond=1), datetime.min, datetime.max]
    rows = [
        *(event_row(queued_at=at, answered_at=at) for at in times),
        *(event_row(enrollment_id=number) for number in (0, -1, 2**53 + 1, 2**63 - 1, -(2**63))),
        *(event_row(attempts=number, http_status=number) for number in (0, 2**31 - 1, -(2**31))),
        *(event_row(in_doubt=flag, old_in_doubt=not flag) for flag in (True, False)),
    ]
    assert written(ledger, event, rows, "event_id") == rows


def test_dates_and_every_column_of_a_record_are_kept_as_they_are(ledger: sa.Engine):
    empty = dict.fromkeys(enrollment_record.columns.keys()) | {"target_id": TARGET, "source_hash": "0" * 32}
    days = [None, date(2024, 2, 29), date.min, date.max]
    rows = [empty | {"enrollment_id": number, "start_date": day, "end_date": day} for number, day in enumerate(days)]
    assert written(ledger, enrollment_record, rows, "enrollment_id") == rows


def test_every_column_of_a_mapping_and_of_an_attempt_can_be_written(ledger: sa.Engine):
    for table, by in ((identity_mapping, "key_id"), (attempt, "attempt_id")):
        names = [column.name for column in table.columns if column.name != "attempt_id"]
        row = {name: _some_value(table.c[name]) for name in names}
        assert written(ledger, table, [row], by) == [row]


def _some_value(column: sa.Column[Any]) -> Any:
    return {str: "x", int: 2**31 - 1, datetime: AT}[column.type.python_type] if column.name != "key_id" else "0" * 32


def test_a_row_takes_the_place_of_the_one_of_its_key(ledger: sa.Engine):
    row = {column.name: _some_value(column) for column in identity_mapping.columns}
    first = [row | {"target_id": target, "key_id": f"{n:032}"} for target in ("a", "b") for n in range(3)]
    second = [row | {"target_id": "a", "key_id": f"{n:032}", "career_cluster": "other"} for n in (1, 2, 3)]
    with ledger.begin() as connection:
        bulk.insert(connection, identity_mapping, first)
        bulk.replace(connection, identity_mapping, "a", "key_id", second)
        found = connection.execute(sa.select(identity_mapping).order_by(sa.text("target_id, key_id"))).all()
    assert [dict(row._mapping) for row in found] == [first[0], *second, *first[3:]]


def test_a_row_is_found_among_many_numbers_and_texts(ledger: sa.Engine):
    rows = [event_row(enrollment_id=number, career_cluster=text) for number, text in enumerate(AWKWARD)]
    texts = [text for text in AWKWARD[1::3] if text is not None]
    with ledger.begin() as connection:
        bulk.insert(connection, event, rows)

        def found(name: str, values: list[Any]) -> list[Any]:
            these = bulk.among(connection, event.c[name], values)
            return list(connection.scalars(sa.select(event.c[name]).where(these).order_by(event.c.event_id)))

        assert found("career_cluster", texts) == texts
        assert found("enrollment_id", [3, 2**63 - 1, 1]) == [1, 3]
        assert found("enrollment_id", []) == []
        assert found("career_cluster", []) == []


def test_text_that_is_too_long_is_refused_not_cut(ledger: sa.Engine):
    if ledger.dialect.name == "sqlite":
        pytest.skip("SQLite knows no length of text")
    with ledger.begin() as connection, pytest.raises(Exception, match=r"too long|would be truncated"):
        bulk.insert(connection, event, [event_row(begin_date="2025-08-20x")])


def test_ids_follow_the_order_of_the_rows(ledger: sa.Engine):
    numbers = [(number * 7919) % 2500 for number in range(2500)]
    rows = [event_row(enrollment_id=number) for number in numbers]
    assert [row["enrollment_id"] for row in written(ledger, event, rows, "event_id")] == numbers


def test_a_failed_batch_leaves_nothing(ledger: sa.Engine):
    rows = [event_row(enrollment_id=number) for number in range(bulk.CHUNK)] + [event_row(key_id=None)]
    with pytest.raises(Exception, match=r"(?i)null"), ledger.begin() as connection:
        bulk.insert(connection, event, rows)
    with ledger.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(event)).scalar_one() == 0


def test_sql_server_takes_a_batch_in_one_statement():
    sent: list[list[Any]] = []
    server = sa.create_mock_engine("mssql+pymssql://", lambda _, values: sent.append(json.loads(values["rows"])))
    bulk.insert(server, event, [event_row(attempts=number) for number in range(2 * bulk.CHUNK + 1)])
    assert [len(rows) for rows in sent] == [bulk.CHUNK, bulk.CHUNK, 1]


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_what_sql_server_is_sent_is_t_sql(table: sa.Table):
    sent: list[str] = []
    server = sa.create_mock_engine("mssql+pymssql://", lambda statement, _: sent.append(str(statement)))
    bulk.insert(server, table, [dict.fromkeys(table.columns.keys())])
    linter = Linter(config=FluffConfig(overrides={"dialect": "tsql", "rules": "PRS"}))
    assert linter.lint_string(sent[0].replace(":rows", "@rows") + ";\n").violations == []
