"""Rows by key, a page at a time: which rows stand side by side, and what each database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from edfi_cte.ledger import streams

numbers = sa.table("numbers", sa.column("side", sa.Unicode), sa.column("n", sa.Integer))


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    monkeypatch.setattr(streams, "PAGE", 2)
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE numbers (side text, n int)"))
    yield engine
    engine.dispose()


def side(ledger: sa.Engine, name: str, those: Sequence[int]) -> sa.Select[Any]:
    with ledger.begin() as connection:
        for number in those:
            connection.execute(sa.insert(numbers).values(side=name, n=number))
    return sa.select(numbers.c.n, numbers.c.side).where(numbers.c.side == name)


@pytest.mark.parametrize(
    ("those", "pages"),
    [
        ([], []),
        ([5], [[5]]),
        ([6, 5], [[5, 6]]),
        ([7, 5, 6], [[5, 6], [7]]),
        ([8, 7, 6, 5], [[5, 6], [7, 8]]),
        ([4, 5, 3], [[5]]),
    ],
)
def test_pages_are_full_but_for_the_last_and_begin_after_the_place_that_is_given(
    ledger: sa.Engine, those: list[int], pages: list[list[int]]
):
    statement = side(ledger, "l", those)
    assert [[row[0] for row in page] for page in streams.pages(ledger, statement, 4)] == pages


@pytest.mark.parametrize(
    ("left", "right", "windows"),
    [
        ([], [], [([], [])]),
        ([5], [], [([5], [])]),
        ([5], [9], [([5], [9])]),
        ([5, 6], [5, 6], [([5, 6], [5, 6]), ([], [])]),
        ([5, 6, 7], [8], [([5, 6], []), ([7], [8])]),
        ([9], [5, 6, 7], [([], [5, 6]), ([9], [7])]),
        ([5, 8, 9], [6, 7], [([5], [6, 7]), ([8, 9], []), ([], [])]),
        ([1, 5, 6], [4, 6, 7, 8], [([5, 6], [6]), ([], [7, 8]), ([], [])]),
    ],
)
def test_a_window_has_all_rows_of_its_range_on_both_sides(
    ledger: sa.Engine, left: list[int], right: list[int], windows: list[tuple[list[int], list[int]]]
):
    statements = side(ledger, "l", left), side(ledger, "r", right)
    found = streams.windows(ledger, *statements, 4)
    assert [tuple([row[0] for row in rows] for rows in window) for window in found] == windows


@pytest.mark.parametrize(("dense", "found"), [(False, [3, 5, 7]), (True, [3, 4, 5, 6, 7])])
def test_rows_are_fetched_alone_or_with_those_between_in_their_order(
    ledger: sa.Engine, dense: bool, found: list[int]
):
    statement = side(ledger, "l", [9, 8, 7, 6, 5, 4, 3, 2])
    column = cast("sa.Column[Any]", numbers.c.n)
    with ledger.connect() as connection:
        rows = streams.fetch(connection, statement, column, [3, 5, 7], dense=dense)
    assert [row.n for row in rows] == found


class Server:
    """A connection's double, which notes what a server is asked."""

    def __init__(self, dialect: str) -> None:
        self.dialect = SimpleNamespace(name=dialect)
        self.asked: list[Any] = []

    @contextmanager
    def connect(self) -> Iterator[Server]:
        yield self

    def exec_driver_sql(self, statement: str) -> None:
        self.asked.append(statement)

    def execute(self, statement: Any) -> Any:
        self.asked.append(statement)
        return SimpleNamespace(all=tuple)


@pytest.mark.parametrize("dense", [False, True])
def test_a_server_reads_no_more_than_the_range_of_what_is_fetched(dense: bool):
    server: Any = Server("mssql")
    column = cast("sa.Column[Any]", numbers.c.n)
    assert streams.fetch(server, sa.select(numbers.c.n), column, [3, 5, 7], dense=dense) == []
    options = {"literal_binds": True}
    said = " ".join(str(server.asked[0].compile(dialect=mssql.dialect(), compile_kwargs=options)).split())
    single = "" if dense else " AND numbers.n IN (3, 5, 7)"
    assert said == (
        f"SELECT numbers.n FROM numbers WHERE numbers.n >= 3 AND numbers.n <= 7{single} ORDER BY numbers.n"
    )


@pytest.mark.parametrize(
    ("dialect", "asked"),
    [("postgresql", ["SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"]), ("mssql", [])],
)
def test_postgresql_alone_is_told_to_read_in_the_order_of_an_index(dialect: str, asked: list[str]):
    server: Any = Server(dialect)
    with streams.reading(server) as connection:
        assert connection is server
    assert server.asked == asked
