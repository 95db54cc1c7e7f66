"""The code is held to one place that decides over deletes: nothing else makes a Decision, or queues a delete."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import edfi_cte
from edfi_cte.associations import decide
from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Absence, absence
from edfi_cte.ledger import events
from edfi_cte.ledger.schema import event, metadata

PACKAGE = Path(edfi_cte.__file__).parent


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call in the package: the file, the last part of the name that is called, the call."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield path.relative_to(PACKAGE).as_posix(), name, node


def test_a_decision_is_made_in_one_module():
    made = {file for file, name, _ in calls() if name == "Decision"}
    assert made == {"associations/decide.py"}


def test_no_other_code_turns_a_decision_into_another():
    """``replace`` of a Decision's worth elsewhere would be a second place that decides."""
    worths = {file for file, _, call in calls() for keyword in call.keywords if keyword.arg == "worth"}
    assert worths <= {"associations/decide.py"}


def test_the_event_table_is_filled_in_one_module():
    inserting = {
        file
        for file, name, call in calls()
        if name == "insert" and any(isinstance(a, ast.Name) and a.id in ("event", "event_table") for a in call.args)
    }
    assert inserting == {"ledger/events.py"}


def test_a_delete_request_is_sent_in_one_module():
    """What is sent there is an event of the queue."""
    sending = {
        file
        for file, name, call in calls()
        if name == "delete"
        and isinstance(call.func, ast.Attribute)
        and getattr(call.func.value, "id", "") == "client"
    }
    assert sending <= {"sync/delivery.py", "hooks/edfi.py", "operators/edfi.py"}


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as made:
        yield made
    engine.dispose()


ROW = {"step": "natural_key_changes", "key_id": "0" * 32, "ods_id": "x"}


@pytest.mark.parametrize("action", [action for action in Action if action.deletes])
def test_an_event_that_deletes_can_not_be_queued_without_a_decision(connection: sa.Connection, action: Action):
    with pytest.raises(ValueError, match="made of a Decision"):
        events.add(connection, "t", "r", [ROW | {"action": action, "cause": "no_show"}])


def test_a_decision_that_does_not_pass_queues_nothing(connection: sa.Connection):
    held = absence(Absence("x", rejected_for="x"))
    with pytest.raises(ValueError, match="not deleted"):
        events.add_decided(connection, "t", "r", [(held, dict(ROW))])
    assert connection.execute(sa.select(event)).all() == []


def test_the_event_is_what_the_decision_says(connection: sa.Connection):
    decision = absence(Absence(Cause.NO_SOURCE, first_contact=True, approved="039141-2026:1"))
    events.add_decided(connection, "t", "r", [(decision, ROW | {"action": "Post", "cause": "else"})])
    [row] = connection.execute(sa.select(event)).all()
    assert (row.action, row.cause, row.list_id) == (Action.DELETE, Cause.NO_SOURCE, "039141-2026:1")


def test_the_deciding_module_looks_nowhere_else():
    imported = {
        node.module
        for node in ast.walk(ast.parse(Path(decide.__file__).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert {name for name in imported if name.startswith("edfi_cte")} == {"edfi_cte.associations.actions"}
