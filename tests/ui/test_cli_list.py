"""``edfi-cte list``: the lists of the pages, in the shell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import listing
from edfi_cte.ledger.schema import run_step
from tests.sync.world import World
from tests.ui.ledger import EVIL, RUNS, STUDENT, TARGET

PLANNED = (run_step.c.target_id == TARGET) & (run_step.c.step == "transform")


@pytest.fixture
def listed(world: World, deploy: Callable[..., None], airflow_db: None, capsys: Any) -> Callable[..., str]:
    from edfi_cte.cli import main

    def run(*arguments: str, code: int = 0) -> str:
        deploy(world.ledger.url.database)
        assert main(["list", "--scope-year", "2026", *arguments]) == code
        return str(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(
    ("arguments", "enrollments"),
    [
        (["--rejected"], ["4", "5"]),
        (["--rejected", "student_id_missing"], []),
        (["--excluded"], ["2", "3", "7"]),
        (["--excluded", "no_show"], ["2", "3", "7"]),
        (["--desired"], ["1", "6", "2147483647"]),
        (["--superseded"], []),
        (["--failed"], ["6"]),
        (["--held"], ["1", "2", "3"]),
        (["--waiting"], ["1", "2", "3"]),
        (["--out-of-reach"], []),
        (["--events", "--action", "Delete"], ["2"]),
        (["--events", "--status", "failed", "--run", RUNS[0]], ["6"]),
    ],
)
def test_a_list(listed: Callable[..., str], arguments: list[str], enrollments: list[str]):
    lines = list(csv.DictReader(io.StringIO(listed(*arguments, "--csv"))))
    assert [line["enrollment"] for line in lines] == enrollments
    assert {line["target"] for line in lines} <= {TARGET}


def test_json_and_a_table_say_the_same(listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    found = json.loads(listed("--rejected", "--json"))
    assert [(line["enrollment"], line["code"]) for line in found] == [(4, "99"), (5, EVIL)]
    head, first, _ = listed("--rejected").splitlines()
    assert head.split()[:2] == ["target", "enrollment"]
    assert first.split()[:5] == [TARGET, "4", "rejected", "career_cluster_unmapped", "99"]
    assert listed("--superseded").strip() == "none"


def test_a_table_of_one_line_has_the_columns_that_the_line_has_a_value_in(listed: Callable[..., str]):
    head, line = listed("--events", "--action", "Delete").splitlines()
    assert {"target", "enrollment", "action", "cause"} <= set(head.split())
    assert {TARGET, "2", "Delete", "no_show"} <= set(line.split())


def test_no_list_has_a_students_id(listed: Callable[..., str]):
    for what in ("--desired", "--excluded", "--events", "--held"):
        assert STUDENT not in listed(what, "--json")


def test_a_rule_that_is_none(listed: Callable[..., str]):
    with pytest.raises(SystemExit) as error:
        listed("--excluded", "no_shows")
    assert error.value.code == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_of_a_list_make_up_the_whole(world: World, limit: int):
    """Three records wait: the last page is full, or not, or the only one."""
    with world.ledger.connect() as connection:
        whole = listing.kept_records(connection, TARGET, "waiting").rows
        pages = list(listing.pages(lambda after: listing.kept_records(connection, TARGET, "waiting", after, limit)))
    assert [row for page in pages for row in page] == list(whole)
    assert [len(page) for page in pages] == [limit] * (3 // limit) + [3 % limit] * (3 % limit > 0)


def test_a_target_that_no_run_has_planned_for_has_nothing_that_failed(world: World, listed: Callable[..., str]):
    assert listed("--failed").strip() != "none"
    with world.ledger.begin() as connection:
        planned = [dict(row._mapping) for row in connection.execute(sa.select(run_step).where(PLANNED))]
        connection.execute(sa.delete(run_step).where(PLANNED))
    try:
        assert listed("--failed").strip() == "none"
    finally:
        with world.ledger.begin() as connection:
            connection.execute(sa.insert(run_step), planned)
