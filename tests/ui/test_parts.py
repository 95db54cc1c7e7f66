"""What the pages are made of: addresses, the target that is shown, lists as CSV, and two documents side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import HTTPException
from pydantic import TypeAdapter, ValidationError

from edfi_cte.ledger.database import open_ledger
from edfi_cte.settings import Settings
from edfi_cte.ui import csv
from edfi_cte.ui.access import Rights
from edfi_cte.ui.comparison import Compared, differences
from edfi_cte.ui.source import Configuration
from edfi_cte.ui.visit import RowId, Visit, page_address


def settings(*targets: tuple[str, int], **parts: Any) -> Settings:
    common = {"campus_conn_id": "campus"}
    listed = [
        common | {"district_number": number, "scope_year": year, "edfi_conn_id": f"edfi_{number}_{year}"}
        for number, year in targets
    ]
    return Settings.model_validate({"version": 1, "targets": listed} | parts)


def test_an_address_leaves_out_what_is_blank():
    query = {"target": "", "run": None, "after": 0, "cause": "a b&c"}
    assert page_address("/airflow/edfi-cte", "events", query) == "/airflow/edfi-cte/events?after=0&cause=a+b%26c"
    assert page_address("", "", {}) == "/"


@pytest.mark.parametrize(("taken", "refused"), [(2**63 - 1, 2**63), (-(2**63), -(2**63) - 1)])
def test_a_rows_number_is_one_that_a_database_takes(taken: int, refused: int):
    rows: TypeAdapter[int] = TypeAdapter(RowId)
    assert rows.validate_python(taken) == taken
    with pytest.raises(ValidationError):
        rows.validate_python(refused)


@pytest.fixture
def empty_ledger(tmp_path: Path) -> Iterator[sa.Connection]:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}").connect() as connection:
        yield connection


def visit(configuration: Configuration) -> Visit:
    nothing: Any = None
    made = Visit(nothing, Rights(edit=False, trigger=False), nothing)
    made.configuration = configuration
    return made


def test_the_target_that_is_shown_is_the_one_asked_for_or_the_first_of_the_newest_year(empty_ledger: sa.Connection):
    configured = settings(("999999", 2024), ("039141", 2026), ("000001", 2026), ("000001", 2025))
    here = visit(Configuration(configured))
    assert here.targets(empty_ledger) == ["999999-2024", "039141-2026", "000001-2026", "000001-2025"]
    assert here.chosen(empty_ledger, "") == "039141-2026"
    assert here.chosen(empty_ledger, "999999-2024") == "999999-2024"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("039141-2026", "There is no such target"), ("", "No target is configured, and none has run yet.")],
)
def test_a_target_that_is_nowhere_is_not_found(empty_ledger: sa.Connection, asked: str, said: str):
    with pytest.raises(HTTPException) as refused:
        visit(Configuration(None, "no file")).chosen(empty_ledger, asked)
    assert refused.value.status_code == 404
    assert refused.value.detail.startswith(said)


def test_a_server_without_settings_reads_the_usual_ledger_and_says_why_it_has_no_preferences():
    without = Configuration(None, "no file")
    assert (without.targets, without.ledger_conn_id) == ({}, "edfi_cte_ledger")
    assert without.preferences_of("039141-2026") == (None, "no file")


def test_the_pages_read_by_their_own_connection_where_one_is_named():
    target = ("039141", 2026)
    assert Configuration(settings(target, ledger_conn_id="ours")).ledger_conn_id == "ours"
    own = settings(target, ledger_conn_id="ours", ui={"ledger_conn_id": "reader"})
    assert Configuration(own).ledger_conn_id == "reader"
    assert Configuration(own).preferences_of("039141-2025") == (None, "039141-2025 is not in the settings any more.")
    preferences, problem = Configuration(own).preferences_of("039141-2026")
    assert preferences is not None
    assert problem == ""


@pytest.mark.parametrize(
    ("lines", "last"), [(2, "b,2"), (3, "more than 2 lines: 'edfi-cte list --csv' gives them all")]
)
def test_a_csv_ends_where_it_says_so(monkeypatch: pytest.MonkeyPatch, lines: int, last: str):
    monkeypatch.setattr(csv, "MOST", 2)
    answer = csv.csv_of("events-x", ("name", "n"), [("=a", 1), ("b", 2), ("c", 3)][:lines])
    text = bytes(answer.body).decode()
    assert text.startswith("\ufeffname,n\r\n'=a,1\r\nb,2\r\n")
    assert text.splitlines()[-1] == last
    assert answer.headers["content-disposition"] == 'attachment; filename="events-x.csv"'


def test_a_csvs_name_has_plain_signs_alone():
    answer = csv.csv_of('he"ld\r\n\u0661-039141-2026', ("name",), [])
    assert answer.headers["content-disposition"] == 'attachment; filename="he-ld----039141-2026.csv"'


def test_a_csv_is_as_long_as_a_spreadsheet_is_used_for():
    assert csv.MOST == 50_000


def document(**values: Any) -> str:
    return json.dumps({"programReference": {"educationOrganizationId": 39141}} | values)


def test_two_documents_side_by_side_have_their_differences_first():
    desired = document(end=None, services=[{"a": "x"}, {"a": "y"}], studentReference={"studentUniqueId": "1001"})
    sent = document(begin="2025", services=[{"a": "x"}], studentReference={"studentUniqueId": "2001"})
    found = differences(desired, sent, lambda student: "•" + student[-2:])
    assert found == [
        Compared("begin", "", "2025"),
        Compared("end", "null", ""),
        Compared("services[1].a", "y", ""),
        Compared("studentReference.studentUniqueId", "•01", "•01"),
        Compared("programReference.educationOrganizationId", "39141", "39141"),
        Compared("services[0].a", "x", "x"),
    ]
    assert [one.differs for one in found] == [True, True, True, False, False, False]


def test_a_document_that_is_not_there_is_blank_throughout():
    assert differences(None, document(), str) == [Compared("programReference.educationOrganizationId", "", "39141")]
    assert differences(document(), None, str) == [Compared("programReference.educationOrganizationId", "39141", "")]
    assert differences(None, None, str) == []
