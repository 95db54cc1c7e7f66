from dataclasses import fields
from decimal import Decimal

import pytest

from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.campus import (
    CampusQueryFailed,
    CampusReader,
    CampusUnreachable,
    InvalidCampusData,
    InvalidTemplate,
    MissingColumns,
)
from edfi_cte.campus.rows import enrollment_record
from tests.campus.engines import DuckDb, DuckDbHook
from tests.campus.small import YEAR, edited_mapping, reader, row, small_campus
from tests.campus.wrapped import WrappedHook


def read(hook, **options):
    return list(reader(hook, **options).enrollment_records(YEAR))


def test_a_missing_column_is_named_with_its_line_and_what_to_do(engine, tmp_path):
    folder = edited_mapping(tmp_path, "mo.careerCluster AS", "mo.careerClusterCode AS")
    with pytest.raises(MissingColumns) as caught:
        read(engine.campus(small_campus()), sql_dir=folder)
    (missing,) = caught.value.missing
    line = (folder / missing.template).read_text().splitlines()[missing.line - 1]
    assert line.strip() == "mo.careerClusterCode AS career_cluster,"
    assert "no column dbo.EnrollmentMO.careerClusterCode" in str(caught.value)
    assert "Write the name that your Campus uses" in str(caught.value)


def test_a_missing_table_is_named_once(engine, tmp_path):
    folder = edited_mapping(tmp_path, "dbo.EnrollmentMO AS mo", "dbo.EnrollmentXX AS mo")
    with pytest.raises(MissingColumns, match=r"no table or view dbo[.]EnrollmentXX") as caught:
        read(engine.campus(small_campus()), sql_dir=folder)
    assert len(caught.value.missing) == 1


def test_nothing_is_missing_in_the_sample_schema(engine):
    assert reader(engine.campus(small_campus())).missing_columns() == []
    assert reader(engine.campus(small_campus()), student_id="edFiID").missing_columns() == []


def test_no_connection(tmp_path):
    hook = DuckDbHook(tmp_path / "elsewhere" / "campus.duckdb")
    with pytest.raises(CampusUnreachable, match=r"connecting through the Airflow connection 'campus'"):
        read(hook)


def test_an_error_in_the_middle_of_a_stream_closes_the_connection():
    hook = WrappedHook(DuckDb().campus(small_campus()), fail=RuntimeError("Connection reset by peer"))
    with pytest.raises(CampusQueryFailed, match="the districts: the database gave an error") as caught:
        read(hook)
    assert "reset by peer" not in str(caught.value)
    assert hook.open_connections == 0


def test_values_that_a_driver_quotes_stay_out_of_messages(tmp_path):
    tables = small_campus()
    tables["Person"][0]["stateID"] = "1234567890"
    hook = DuckDb().campus(tables)
    folder = edited_mapping(tmp_path, "p.personID AS person_id", "CAST(p.stateID || 'x' AS integer) AS person_id")
    with pytest.raises(CampusQueryFailed) as caught:
        read(hook, sql_dir=folder)
    assert "1234567890" not in str(caught.value)
    assert caught.value.__suppress_context__, "the driver's own message would be logged with the traceback"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("enrollment_id", "x17", "enrollment_id as a value of type str, not a whole number"),
        ("enrollment_id", Decimal("1.5"), "enrollment_id as a value of type Decimal"),
        ("start_date", "08/20/2025", "enrollment 1, start_date: Campus gave a value of type str, not a date"),
        ("end_date", 45889, "enrollment 1, end_date: Campus gave a value of type int"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_clear_error(column, value, words):
    with pytest.raises(InvalidCampusData) as caught:
        enrollment_record(row(**{column: value}))
    assert words in str(caught.value)
    assert "campus_mapping.sql" in str(caught.value)


def test_a_decimal_id_that_is_whole_is_an_int():
    assert enrollment_record(row(enrollment_id=Decimal(7))).enrollment_id == 7


@pytest.mark.parametrize(
    ("text", "clean"), [("8\0", "8"), (" \0 ", None), ("\0", None), ("x" * 201, "x" * 200), ("😀\\N", "😀\\N")]
)
def test_text_is_what_any_ledger_takes(text, clean):
    texts = [field.name for field in fields(EnrollmentRecord) if field.type == "str | None"]
    record = enrollment_record(row(**dict.fromkeys(texts, text)))
    assert {getattr(record, name) for name in texts} == {clean}


def test_a_sql_folder_that_is_not_there(tmp_path):
    with pytest.raises(InvalidTemplate, match="there is no folder"):
        read(DuckDb().campus(small_campus()), sql_dir=tmp_path / "nowhere")


def test_a_mistake_in_a_template_is_named_with_its_line(tmp_path):
    folder = edited_mapping(tmp_path, "p.{{ student_id }} AS", "p.{{ student_id } AS")
    with pytest.raises(InvalidTemplate, match=r"campus_mapping.sql, line \d+: unexpected '}'"):
        read(DuckDb().campus(small_campus()), sql_dir=folder)


def test_an_unknown_name_in_a_template_is_named(tmp_path):
    folder = edited_mapping(tmp_path, "p.{{ student_id }} AS", "p.{{ students_id }} AS")
    with pytest.raises(InvalidTemplate, match="'students_id' is undefined"):
        read(DuckDb().campus(small_campus()), sql_dir=folder)


@pytest.mark.parametrize(
    "student_id",
    ["stateID; DROP TABLE Person", "stateID]", "stateID'--", 'stateID"', "\u0455tateID", "STATEID", "", "stateID "],
)
def test_a_student_id_column_is_one_of_three(student_id):
    with pytest.raises(InvalidTemplate, match="student_id: one of stateID, edFiID, studentNumber"):
        CampusReader(DuckDb().campus(small_campus()), district_number="039141", student_id=student_id)


@pytest.mark.parametrize("isolation", ["snapshot; DROP TABLE Person", "SNAPSHOT", "read uncommitted", "nolock"])
def test_an_isolation_is_one_of_two(isolation):
    with pytest.raises(InvalidTemplate, match="isolation: one of read_committed, snapshot"):
        CampusReader(DuckDb().campus(small_campus()), district_number="039141", isolation=isolation)


def test_a_rule_that_there_is_not_is_refused():
    with pytest.raises(InvalidTemplate, match=r"exclude_also: any of enrollment_state_exclude, .*; not no_show"):
        reader(DuckDb().campus(small_campus()), exclude_also=["no_show"])
