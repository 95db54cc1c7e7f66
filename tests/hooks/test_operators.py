"""Operators for the common verbs: templated, documents in files, counts in XCom."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, BaseOperator

from edfi_cte.ods import AuthenticationFailed, IncompleteRead
from edfi_cte.operators.edfi import (
    EdFiDeleteOperator,
    EdFiGetOperator,
    EdFiTotalCountOperator,
    EdFiUpsertOperator,
)
from tests.ods.fake_api import FakeApi
from tests.ods.faults import answers, problem

Connect = Callable[..., str]
pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_get_writes_the_collection_to_a_file(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    wanted = api.add("students", 1100)
    path = tmp_path / "students.jsonl"

    told = EdFiGetOperator(task_id="get", resource="students", path=str(path), edfi_conn_id=connect()).execute({})

    assert told == {"path": str(path), "count": 1100}
    assert {row["id"] for row in lines(path)} == set(wanted)


def test_get_takes_filters(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    api.add("students", 3)
    path = tmp_path / "some.jsonl"
    EdFiGetOperator(
        task_id="get",
        resource="students",
        filters={"studentUniqueId": "000001"},
        path=str(path),
        edfi_conn_id=connect(),
    ).execute({})
    assert [row["studentUniqueId"] for row in lines(path)] == ["000001"]


def test_get_leaves_no_file_of_a_part(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    api.add("students", 3)
    api.faults = [answers(200, [{"id": "1" * 32}], Total_Count="2")] * 9
    path = tmp_path / "students.jsonl"

    with pytest.raises(IncompleteRead):
        EdFiGetOperator(task_id="get", resource="students", path=str(path), edfi_conn_id=connect()).execute({})
    assert not path.exists()


def test_total_count(api: FakeApi, connect: Connect) -> None:
    api.add("students", 3)
    count = EdFiTotalCountOperator(task_id="count", resource="students", edfi_conn_id=connect())
    assert count.execute({}) == 3


def test_upsert_posts_every_line(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    api.add("students", 2)
    path = tmp_path / "students.jsonl"
    rows = [{"studentUniqueId": f"{n:06d}", "id": "read only", "_etag": "1"} for n in range(50)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")

    told = EdFiUpsertOperator(task_id="up", resource="students", path=str(path), edfi_conn_id=connect()).execute({})

    assert told == {"created": 48, "replaced": 2}
    assert len(api.items["students"]) == 50


def test_what_get_wrote_upsert_takes(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    api.add("students", 20)
    path = str(tmp_path / "students.jsonl")
    EdFiGetOperator(task_id="get", resource="students", path=path, edfi_conn_id=connect()).execute({})
    told = EdFiUpsertOperator(task_id="up", resource="students", path=path, edfi_conn_id=connect()).execute({})
    assert told == {"created": 0, "replaced": 20}


def test_upsert_tries_all_and_says_which_failed_and_why(
    api: FakeApi, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "students.jsonl"
    path.write_text("".join(json.dumps({"studentUniqueId": f"60482{n}"}) + "\n" for n in range(10)))
    no_school = problem(
        409, "data-conflict:unresolved-reference", "The referenced 'School' of 604822 does not exist."
    )
    api.fail(no_school, no_school, problem(400, "bad-request"))

    with pytest.raises(AirflowException) as caught:
        EdFiUpsertOperator(
            task_id="up", resource="students", path=str(path), edfi_conn_id=connect({"concurrency": 1})
        ).execute({})

    assert str(caught.value) == (
        "3 of 10 documents for students were refused: 2 unresolved_reference (items 1, 2); 1 validation (items 3)."
    )
    assert len(api.items["students"]) == 7
    assert "Item 2: POST ed-fi/students was refused: The referenced 'School' of … does not exist." in caplog.text
    assert "60482" not in caplog.text


def test_a_fault_that_all_would_meet_ends_the_task_at_once(api: FakeApi, connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "students.jsonl"
    path.write_text('{"studentUniqueId": "1"}\n' * 500)
    with pytest.raises(AuthenticationFailed):
        EdFiUpsertOperator(
            task_id="up", resource="students", path=str(path), edfi_conn_id=connect(password="notTheSecret")
        ).execute({})
    assert len(api.seen) <= 3


@pytest.mark.parametrize("line", ["[1]", '{"studentUniqueId": "604822"', "604822"])
def test_a_line_that_is_no_document_is_named_and_not_repeated(connect: Connect, tmp_path: Path, line: str) -> None:
    path = tmp_path / "students.jsonl"
    path.write_text('{"studentUniqueId": "1"}\n' + line + "\n")
    with pytest.raises(AirflowException, match=r"Line 2 of .* is not a JSON object") as caught:
        EdFiUpsertOperator(task_id="up", resource="students", path=str(path), edfi_conn_id=connect()).execute({})
    assert "604822" not in str(caught.value)


def test_delete(api: FakeApi, connect: Connect) -> None:
    ids = api.add("students", 3)
    told = EdFiDeleteOperator(
        task_id="del", resource="students", ids=[*ids[:2], "f" * 32], edfi_conn_id=connect()
    ).execute({})
    assert told == {"deleted": 2, "absent": 1}
    assert list(api.items["students"]) == ids[2:]


def test_delete_tries_all_and_says_how_many_were_refused(api: FakeApi, connect: Connect) -> None:
    ids = api.add("students", 3)
    api.fail(problem(409, "data-conflict:dependent-item-exists"))
    operator = EdFiDeleteOperator(
        task_id="del", resource="students", ids=ids, edfi_conn_id=connect({"concurrency": 1})
    )
    with pytest.raises(AirflowException, match=r"^1 of 3 items of students were refused: "):
        operator.execute({})
    assert list(api.items["students"]) == ids[:1]


def test_delete_takes_no_single_text_for_a_list(connect: Connect) -> None:
    with pytest.raises(AirflowException, match="not a list"):
        EdFiDeleteOperator(task_id="del", resource="students", ids="abc", edfi_conn_id=connect()).execute({})


@pytest.mark.parametrize(
    "operator",
    [
        EdFiGetOperator(
            task_id="get", resource="{{ r }}", path="/x/{{ r }}", filters={"a": "{{ r }}"}, edfi_conn_id="{{ r }}"
        ),
        EdFiTotalCountOperator(task_id="count", resource="{{ r }}", filters={"a": "{{ r }}"}, edfi_conn_id="{{ r }}"),
        EdFiUpsertOperator(task_id="up", resource="{{ r }}", path="/x/{{ r }}", edfi_conn_id="{{ r }}"),
        EdFiDeleteOperator(task_id="del", resource="{{ r }}", ids=["{{ r }}"], edfi_conn_id="{{ r }}"),
    ],
    ids=lambda operator: type(operator).__name__,
)
def test_everything_a_person_sets_is_templated(operator: BaseOperator) -> None:
    operator.render_template_fields({"r": "filled"})

    values = json.dumps({name: getattr(operator, name) for name in operator.template_fields})
    assert "{{" not in values
    assert values.count("filled") == len(operator.template_fields)
