# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A district whose Campus differs edits one file: the shipped example works on a Campus of that shape."""

from datetime import datetime

import duckdb
import pytest
from sqlfluff.core import FluffConfig, Linter

from edfi_cte.campus.templates import Templates, shipped_sql_dir
from sandbox.campus.database import fill
from tests.campus.engines import DuckDbHook
from tests.campus.small import YEAR, reader, small_campus
from tests.campus.test_sql_text import LAX, VALUES

EXAMPLE = shipped_sql_dir() / "examples" / "custom_fields"


@pytest.fixture
def hook():
    """The small Campus with its Missouri fields kept as custom fields, and a program of the student."""
    tables = small_campus()
    tables["CampusAttribute"] = [row | {"object": "Enrollment"} for row in tables["CampusAttribute"]]
    tables["EnrollmentMO"] = []
    connection = duckdb.connect()
    fill(connection, tables)
    connection.execute(
        """
        DROP TABLE dbo.EnrollmentMO;
        CREATE TABLE dbo.CustomStudent (personID int, enrollmentID int, attributeID int, value varchar(255));
        CREATE TABLE dbo.Program (programID int, name varchar(50));
        CREATE TABLE dbo.ProgramParticipation (personID int, programID int, startDate timestamp, endDate timestamp);
        INSERT INTO dbo.CustomStudent VALUES (1, 1, 1, ' 8 '), (1, 1, 2, '0410'), (1, 2, 1, '5');
        INSERT INTO dbo.Program VALUES (1, 'Nursing'), (2, 'Left before');
        """
    )
    dates = [(1, datetime(2025, 9, 1), None), (2, datetime(2023, 9, 1), datetime(2024, 5, 1))]
    connection.executemany("INSERT INTO dbo.ProgramParticipation VALUES (1, ?, ?, ?)", dates)
    return DuckDbHook(connection)


def test_custom_fields_are_read_through_the_districts_own_mapping(hook):
    own = reader(hook, sql_dir=EXAMPLE)
    assert own.missing_columns() == []
    (record,) = own.enrollment_records(YEAR)
    assert (record.career_cluster, record.cte_program_type) == ("8", "0410")
    assert record.cte_program_type_name == "Health Sciences"
    assert record.career_pathway == "Nursing"
    assert record.excluded_by is None
    assert {usage.field for usage in own.code_usage(YEAR)} == {"career_cluster", "cte_program_type", "career_pathway"}


def test_the_shipped_mapping_says_what_that_campus_lacks(hook):
    (missing,) = reader(hook).missing_columns()
    assert (missing.table, missing.column) == ("dbo.EnrollmentMO", None)


def test_the_example_is_clean_t_sql():
    linter = Linter(config=FluffConfig(overrides={"dialect": "tsql", "exclude_rules": ",".join(LAX)}))
    text = Templates(EXAMPLE, "%s").render("enrollment_records.sql", VALUES, student_id="stateID").text
    found = linter.lint_string(text.replace("%s", "@p").rstrip() + ";\n").violations
    assert [f"{v.rule_code()} line {v.line_no}: {v.desc()}" for v in found] == []
