"""What the reader, its templates and its errors do at their borders; each on DuckDB or on nothing."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.campus import (
    CampusQueryFailed,
    CampusUnreachable,
    DistrictNotFound,
    IncompleteExtract,
    InvalidCampusData,
    InvalidTemplate,
    errors,
    templates,
)
from edfi_cte.campus.rows import day
from edfi_cte.campus.server import Server
from edfi_cte.campus.session import open_session
from edfi_cte.campus.templates import Statement, Templates
from tests.campus.engines import DuckDb
from tests.campus.small import YEAR, edited_mapping, enrollment, missouri, reader, small_campus
from tests.campus.wrapped import WrappedHook


def test_a_year_without_a_candidate_is_read_whole():
    tables = small_campus()
    tables["EnrollmentMO"] = []
    assert list(reader(DuckDb().campus(tables)).enrollment_rows(YEAR)) == []


def test_an_enrollment_that_comes_again_in_a_later_batch_is_noticed(tmp_path: Path):
    edited_mapping(tmp_path, "ON e.enrollmentID = mo.enrollmentID", "ON e.personID = mo.personID")
    tables = small_campus()
    tables["EnrollmentMO"].append(missouri(2))
    with pytest.raises(InvalidCampusData, match="enrollment 1 came more than once"):
        list(reader(DuckDb().campus(tables), sql_dir=tmp_path, fetch_size=1).enrollment_rows(YEAR))


def test_an_enrollment_id_may_be_a_decimal(tmp_path: Path):
    folder = edited_mapping(tmp_path, "e.enrollmentID AS", "CAST(e.enrollmentID AS decimal(9, 0)) AS")
    (record,) = reader(DuckDb().campus(small_campus()), sql_dir=folder).enrollment_records(YEAR)
    assert (record.enrollment_id, type(record.enrollment_id)) == (1, int)


def test_an_enrollment_id_that_is_text_is_named_as_such(tmp_path: Path):
    folder = edited_mapping(tmp_path, "e.enrollmentID AS", "CAST(e.enrollmentID AS varchar(9)) AS")
    with pytest.raises(InvalidCampusData, match="enrollment_id as a value of type str, not a whole number"):
        list(reader(DuckDb().campus(small_campus()), sql_dir=folder).enrollment_rows(YEAR))


def test_a_district_whose_number_is_text_is_another(tmp_path: Path):
    tables = small_campus()
    tables["District"].append({"districtID": 2, "number": "STATE"})
    assert reader(DuckDb().campus(tables)).own_number() == "039141"
    tables["District"] = []
    with pytest.raises(DistrictNotFound, match=r"it has: none\. Correct"):
        reader(DuckDb().campus(tables)).own_number()


def test_what_a_statement_gave_is_told_with_its_rows():
    told: list[tuple[str, int]] = []
    tables = small_campus()
    tables["Enrollment"] = [enrollment(number) for number in (1, 2, 3)]
    tables["EnrollmentMO"] = [missouri(number) for number in (1, 2, 3)]
    hook = DuckDb().campus(tables)
    list(reader(hook, fetch_size=2, on_read=lambda text, rows: told.append((text, rows))).enrollment_rows(YEAR))
    assert [rows for text, rows in told if "total_records" in text] == [3]


class Counting(WrappedHook):
    """Counts the cursors that are open, and takes what a driver with a mode of its own is told."""

    supports_autocommit = True

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self.told: list[bool] = []
        self.cursors: list[Any] = []

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:  # noqa: ARG002
        self.told.append(autocommit)

    def get_conn(self) -> Any:
        connection = super().get_conn()
        make = type(connection).cursor

        class Kept:
            def cursor(inner) -> Any:  # noqa: N805
                cursor = make(connection)
                self.cursors.append(cursor)
                return cursor

            def close(inner) -> None:  # noqa: N805
                connection.close()

        return Kept()


def is_closed(cursor: Any) -> bool:
    try:
        cursor.execute("SELECT 1")
    except Exception as error:  # noqa: BLE001 - DuckDB's
        return "closed" in str(error)
    return False


def test_a_session_holds_no_transaction_and_closes_each_cursor_before_the_next():
    hook = Counting(DuckDb().campus(small_campus()))
    with open_session(hook, "read_committed", 60, set) as session:
        assert hook.told == [True]
        assert list(session.batches(Statement("SELECT 1", ()), 10, "one row")) == [[(1,)]]
        assert [is_closed(cursor) for cursor in hook.cursors] == [True]
        session.run("SELECT 2", "nothing")
        assert [is_closed(cursor) for cursor in hook.cursors] == [True, True]
    assert hook.open_connections == 0


@pytest.mark.parametrize(
    ("extra", "asks"),
    [
        *(({"encryption": word}, True) for word in ("require", "Required", "strict")),
        *(({"encryption": word}, False) for word in ("request", "off", "", None)),
        ({}, False),
    ],
)
def test_whether_a_connection_insists_on_encryption(extra: dict[str, Any], asks: bool):
    hook: Any = WrappedHook(DuckDb().campus(small_campus()))
    assert not reader(hook).asks_for_encryption, "of a hook that has no connection"
    hook.connection = SimpleNamespace(extra_dejson=extra)
    assert reader(hook).asks_for_encryption is asks


@pytest.mark.parametrize(("number", "understood"), [(None, True), (102, False), (195, False)])
def test_a_server_that_refuses_the_simplest_statement_does_not_understand_it(number: int | None, understood: bool):
    fail = None if number is None else RuntimeError(number, b"Incorrect syntax")
    assert reader(WrappedHook(DuckDb().campus(small_campus()), fail=fail)).is_understood() is understood


def test_which_errors_of_campus_pass():
    passing = {
        CampusUnreachable,
        CampusQueryFailed,
        errors.CampusInterrupted,
        errors.CampusTimeout,
        IncompleteExtract,
    }
    every = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CampusError)
    ]
    assert {kind for kind in every if kind.transient} == passing


@pytest.mark.parametrize("text", ["20250820", "2025-W34-3"])
def test_a_date_as_text_is_written_as_sql_server_writes_it(text: str):
    """Python would read more than that, and so would take a code for a date."""
    with pytest.raises(InvalidCampusData, match="not a date"):
        day(text, "start_date")


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("16.0.4003.1", "2022"),
        ("15.0.2000.5", "2019"),
        ("14.0.3465.1", "2017"),
        ("13.0.7000.1", "2016"),
        ("12.0.2000.8", "2014"),
        ("11.0.7001.0", "2012"),
        ("17.0.1", "17.0.1"),
        ("Azure", "Azure"),
    ],
)
def test_a_server_is_named_as_people_call_it(version: str, name: str):
    """By Microsoft's "SQL Server versions": 16 is 2022, and so on."""
    server = Server.of((version, 160, "campus", 0, 1))
    assert server.name == f"SQL Server {name}"
    assert server == Server(version, 160, "campus", read_committed_snapshot=False, snapshot_isolation=True)
    assert server.major == (int(version[:2]) if version[:2].isdecimal() else 0)


def test_a_percent_that_would_be_a_parameter_is_shown_with_what_stands_around_it(tmp_path: Path):
    (tmp_path / "own.sql").write_text("a" * 40 + "%d" + "b" * 20)
    with pytest.raises(InvalidTemplate) as caught:
        Templates(tmp_path, "%s").render("own.sql")
    assert "Write '%' + 'd…' in its place" in str(caught.value)
    assert str(caught.value).endswith(f": '{'a' * 30}%d{'b' * 10}'")
    assert Templates(tmp_path, "?").render("own.sql").text == "a" * 40 + "%d" + "b" * 20
    (tmp_path / "own.sql").write_text("%d\n")
    with pytest.raises(InvalidTemplate, match=re.escape(r": '%d\n'")):
        Templates(tmp_path, "%s").render("own.sql")


def test_the_last_line_of_a_template_that_is_included_ends_there(tmp_path: Path):
    """A comment in it would swallow what follows."""
    (tmp_path / "part.sql").write_text("SELECT 1 -- one\n")
    (tmp_path / "whole.sql").write_text('{% include "part.sql" %}+ 1\n')
    assert Templates(tmp_path, "%s").render("whole.sql").text == "SELECT 1 -- one\n+ 1\n"


def test_a_mistake_in_the_mapping_is_named_by_its_file_wherever_it_is_met(tmp_path: Path):
    folder = edited_mapping(tmp_path, "p.{{ student_id }} AS", "p.{{ student_id } AS")
    with pytest.raises(InvalidTemplate, match=r"^campus_mapping.sql, line \d+: unexpected '}'"):
        reader(DuckDb().campus(small_campus()), sql_dir=folder).missing_columns()


def test_templates_that_are_nowhere_are_looked_for_in_the_wheel_and_beside_the_plugins(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(templates, "MAPPING_TEMPLATE", "no_such.sql")
    package = Path(templates.__file__).parents[1]
    with pytest.raises(InvalidTemplate) as caught:
        templates.shipped_sql_dir()
    places = f"neither {package / 'sql'} nor {package.parents[1] / 'include' / 'sql'} holds no_such.sql"
    assert places in str(caught.value)
