"""Every statement that a sync sends to its ledger compiles for SQL Server, to a text that is T-SQL."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlfluff.core import FluffConfig, Linter

from tests.sync.world import RESOURCE, World

NOT_T_SQL = re.compile(r"\b(LIMIT|IS TRUE|IS FALSE|= TRUE|= FALSE|ILIKE|RETURNING|ON CONFLICT)\b|\|\|")
"""What other dialects would write, some of which the linter takes for names."""

DIALECT = mssql.dialect(deprecate_large_types=True)  # as of SQL Server 2012


@pytest.fixture
def statements(world: World) -> Iterator[list[Any]]:
    """What the ledger is asked from here on, as SQLAlchemy has it before any dialect, each with its parameters."""
    seen: list[Any] = []

    def keep(_connection: Any, element: Any, many: Any, one: Any, _options: Any) -> None:
        seen.append((element, one or next(iter(many), {})))

    sa.event.listen(world.ledger, "before_execute", keep)
    yield seen
    sa.event.remove(world.ledger, "before_execute", keep)


def test_the_ledgers_statements_are_t_sql(world: World, statements: list[Any]):
    world.settings["preferences"]["default"] = {"send_end_date": True}
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.campus.add(7, serviceType="N")
    world.run()
    world.campus.remove(2)
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))  # noqa: DTZ001
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 9, 2))  # noqa: DTZ001
    world.campus.set("Person", 6, stateID="5555555555")
    control = world.odses[2026].control
    control.delete(RESOURCE, control.documents(RESOURCE)[3]["id"])
    world.run()
    linter = Linter(config=FluffConfig(overrides={"dialect": "tsql", "rules": "PRS"}))
    texts = {t_sql(element, given) for element, given in statements if isinstance(element, sa.ClauseElement)}
    assert len(texts) > 40
    assert [text for text in texts if NOT_T_SQL.search(text)] == []
    assert {text: found for text in texts if (found := linter.lint_string(text).violations)} == {}


def t_sql(element: sa.ClauseElement, given: dict[str, Any]) -> str:
    """The statement with its parameters as T-SQL writes them, lists as long as they were."""
    return element.compile(dialect=DIALECT).construct_expanded_state(given).statement.replace(":", "@") + ";\n"
