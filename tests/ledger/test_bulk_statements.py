"""What each database is sent for many rows or values, to the letter; and what a removal leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, postgresql, sqlite

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import identity_mapping, token
from tests.ledger.rows import AT, OTHER, TARGET, add


def test_the_time_is_utc_without_a_zone():
    before = datetime.now(UTC).replace(tzinfo=None)
    assert before <= bulk.now() <= datetime.now(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("number", "batches"), [(0, []), (1, [[0]]), (2, [[0, 1]]), (3, [[0, 1], [2]]), (4, [[0, 1], [2, 3]])]
)
def test_batches_are_as_large_as_they_may_be(number: int, batches: list[list[int]]):
    assert list(bulk.batches(range(number), 2)) == batches


def test_sql_server_reads_rows_from_one_json_text_in_their_order():
    sent: list[tuple[str, Any]] = []
    server: Any = sa.create_mock_engine("mssql+pymssql://", lambda text, values: sent.append((str(text), values)))
    rows = [{"expires_at": AT, "token_key": f"k{number}", "encrypted": None} for number in range(2)]
    bulk.insert(server, token, rows)
    [(statement, values)] = sent
    assert statement == (
        "INSERT INTO edfi_cte_token (expires_at, token_key, encrypted) SELECT expires_at, token_key, encrypted "
        "FROM OPENJSON(:rows) WITH (expires_at DATETIME2(6) '$[0]', token_key nvarchar(max) '$[1]', "
        "encrypted nvarchar(max) '$[2]', place int '$[3]') ORDER BY place"
    )
    assert json.loads(values["rows"]) == [[str(AT), "k0", None, 0], [str(AT), "k1", None, 1]]


IN_SQLITE = "IN (SELECT anon_1.value FROM json_each(?) AS anon_1)"


@pytest.mark.parametrize(
    ("dialect", "said", "given"),
    [
        (sqlite.dialect(), IN_SQLITE, '["a", "b"]'),
        (postgresql.dialect(), "= ANY (%(given)s)", ["a", "b"]),
        (mssql.dialect(), "IN (__[POSTCOMPILE_given])", ["a", "b"]),
    ],
)
def test_many_values_are_one_parameter_where_the_database_knows_a_list(dialect: Any, said: str, given: Any):
    column = identity_mapping.c.key_id
    statement = str(bulk.among_given(dialect.name, column).compile(dialect=dialect)).replace("\n", "")
    assert statement.startswith("edfi_cte_identity_mapping.key_id ")
    assert statement.removeprefix("edfi_cte_identity_mapping.key_id ").replace("anon_2", "anon_1") == said
    connection = cast("sa.Connection", SimpleNamespace(dialect=dialect))
    assert bulk.given(connection, ("a", "b")) == {"given": given}
    these = bulk.among(connection, column, ("a", "b")).compile(dialect=dialect)
    assert list(these.params.values()) == [given]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (("a", None, 1), "a\t\\N\t1\n"),
        (("a\tb", None), "a\\tb\t\\N\n"),
        (("a\nb", "c"), "a\\nb\tc\n"),
        (("a\rb", "c"), "a\\rb\tc\n"),
        (("\\", "c"), "\\\\\tc\n"),
        (("\\N", None), "\\\\N\t\\N\n"),
        ((None, AT), f"\\N\t{AT}\n"),
        (("\\.",), "\\\\.\n"),
    ],
)
def test_what_postgresql_would_take_for_a_sign_of_its_own_is_escaped(row: tuple[Any, ...], line: str):
    text = bulk._CopyText([row])
    assert (text.read(), text.read(1)) == (line, "")


def test_rows_are_made_a_few_at_a_time_as_postgresql_reads_them():
    text = bulk._CopyText((number,) for number in range(120))
    read = list(iter(text.read, ""))
    assert "".join(read) == "".join(f"{number}\n" for number in range(120))
    assert len(read) > 1


def test_what_is_removed_is_the_targets_and_named(memory: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    for target_id in (TARGET, OTHER):
        for key in "abcdef":
            add(memory, identity_mapping, target_id=target_id, key_id=key, ods_id=f"{key} {target_id}")
    bulk.remove(memory, identity_mapping, TARGET, "key_id", ["a", "c", "d", "e", "x"])
    bulk.remove(memory, identity_mapping, TARGET, "key_id", [])
    left = memory.execute(sa.select(identity_mapping.c.target_id, identity_mapping.c.key_id)).all()
    assert left == [(TARGET, "b"), (TARGET, "f"), *((OTHER, key) for key in "abcdef")]
    bulk.remove(memory, identity_mapping, TARGET, "ods_id", [f"b {TARGET}", f"a {OTHER}"])
    left = memory.execute(sa.select(identity_mapping.c.target_id, identity_mapping.c.key_id)).all()
    assert left == [(TARGET, "f"), *((OTHER, key) for key in "abcdef")]


def test_no_rows_are_written_as_well(memory: sa.Connection):
    bulk.insert(memory, identity_mapping, [])
    bulk.replace(memory, identity_mapping, TARGET, "key_id", [])
    assert memory.scalar(sa.select(sa.func.count()).select_from(identity_mapping)) == 0
