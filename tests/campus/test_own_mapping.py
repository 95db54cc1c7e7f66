# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The parts of the mapping that a setting chooses: each reads a Campus of its shape, alone and with the others."""

from datetime import datetime
from itertools import product

import duckdb
import pytest
from sqlfluff.core import FluffConfig, Linter

from edfi_cte.associations.model import OPTIONAL_RULES
from edfi_cte.campus.templates import PARTS, Templates, rules
from sandbox.campus.database import fill
from tests.campus.engines import DuckDbHook
from tests.campus.small import YEAR, reader, small_campus
from tests.campus.test_sql_text import LAX, VALUES

FIELDS = ("enrollment_mo", "enrollment", "custom_fields")
PROGRAMS = ("none", "participation")
CERTIFICATIONS = ("none", "program_certification")
COMBINATIONS = list(product(FIELDS, PROGRAMS, CERTIFICATIONS))


def parts(fields="enrollment_mo", programs="none", certifications="none", school_number="number"):
    return {
        "career_technical_fields": fields,
        "programs": programs,
        "certifications": certifications,
        "school_number": school_number,
    }


def with_programs(tables):
    """Student 1 took part in three programs: one is no career-technical one, one was left before."""
    tables["School"][0]["stateSchoolNumber"] = "4020"
    tables["Program"] = [
        {"programID": 1, "name": "Nursing", "stateCode": "51.3801"},
        {"programID": 2, "name": "Left before", "stateCode": "12.0503"},
        {"programID": 3, "name": "Chess Club", "stateCode": None},
    ]
    dates = [
        (1, datetime(2025, 9, 1), None),
        (2, datetime(2023, 9, 1), datetime(2024, 5, 1)),
        (3, datetime(2025, 10, 1), None),
    ]
    tables["ProgramParticipation"] = [
        {
            "participationID": n,
            "personID": 1,
            "programID": n,
            "startDate": start,
            "endDate": end,
            "studentStatus": "2",
        }
        for n, start, end in dates
    ]
    tables["ProgramCertification"] = [
        {"certificationID": 1, "personID": 1, "programID": 1, "status": "Attempted"},
        {"certificationID": 2, "personID": 1, "programID": 1, "status": "Passing"},
        {"certificationID": 3, "personID": 2, "programID": 1, "status": "Attempted"},
    ]
    return tables


def hook_of(fields):
    """The small Campus with its Missouri fields kept in that place alone."""
    tables = with_programs(small_campus())
    if fields != "enrollment_mo":
        tables["CampusAttribute"] = [row | {"object": "Enrollment"} for row in tables["CampusAttribute"]]
        tables["EnrollmentMO"] = []
    if fields == "custom_fields":
        values = [(1, 1, 1, " 8 "), (2, 1, 2, "0410"), (3, 2, 1, "5")]
        tables["CustomStudent"] = [
            {"customID": n, "personID": 1, "enrollmentID": e, "attributeID": a, "value": v} for n, e, a, v in values
        ]
    connection = duckdb.connect()
    fill(connection, tables)
    if fields != "enrollment_mo":
        connection.execute("DROP TABLE dbo.EnrollmentMO")
    if fields == "enrollment":
        connection.execute(
            "ALTER TABLE dbo.Enrollment ADD COLUMN careerCluster varchar;"
            "ALTER TABLE dbo.Enrollment ADD COLUMN cteProgramType varchar;"
            "UPDATE dbo.Enrollment SET careerCluster = '8', cteProgramType = '0410'"
        )
    return DuckDbHook(connection)


@pytest.mark.parametrize(("fields", "programs", "certifications"), COMBINATIONS)
def test_each_combination_reads_a_campus_of_its_shape(fields, programs, certifications):
    chosen = parts(fields, programs, certifications)
    own = reader(hook_of(fields), parts=chosen)
    assert own.missing_columns() == []
    (record,) = own.enrollment_records(YEAR)
    assert (record.career_cluster, record.cte_program_type) == ("8", "0410")
    assert record.cte_program_type_name == "Health Sciences"
    reads_programs = programs == "participation"
    assert (record.career_pathway, record.student_status) == (("Nursing", "2") if reads_programs else (None, None))
    assert record.certification_status == ("passing" if certifications != "none" else None)
    assert record.excluded_by is None


def test_the_parts_read_alike_on_each_engine(engine):
    hook = engine.campus(with_programs(small_campus()))
    chosen = parts("enrollment_mo", "participation", "program_certification", "stateSchoolNumber")
    own = reader(hook, parts=chosen, exclude_also=OPTIONAL_RULES)
    assert own.missing_columns() == []
    (record,) = own.enrollment_records(YEAR)
    found = (record.career_pathway, record.student_status, record.certification_status, record.school_number)
    assert found == ("Nursing", "2", "passing", "4020")
    assert "career_pathway" in {usage.field for usage in own.code_usage(YEAR)}


def test_the_wrong_part_is_said_with_what_is_missing():
    (missing,) = reader(hook_of("custom_fields")).missing_columns()
    assert (missing.table, missing.column) == ("dbo.EnrollmentMO", None)


@pytest.fixture(scope="module")
def linter():
    return Linter(config=FluffConfig(overrides={"dialect": "tsql", "exclude_rules": ",".join(LAX)}))


@pytest.mark.parametrize(
    ("fields", "programs", "certifications", "optional"),
    [
        ("enrollment", "participation", "none", ()),
        ("custom_fields", "none", "program_certification", ()),
        ("enrollment_mo", "participation", "program_certification", OPTIONAL_RULES),
    ],
)
def test_the_parts_are_clean_t_sql(linter, fields, programs, certifications, optional):
    text = (
        Templates(None, "%s")
        .render(
            "enrollment_records.sql",
            VALUES,
            student_id="stateID",
            parts=parts(fields, programs, certifications),
            exclude_also=[str(rule) for rule in optional],
            rules=rules(optional),
        )
        .text
    )
    found = linter.lint_string(text.replace("%s", "@p").rstrip() + ";\n").violations
    assert [f"{v.rule_code()} line {v.line_no}: {v.desc()}" for v in found] == []


def test_the_defaults_are_those_of_the_settings():
    from edfi_cte.settings import CampusMapping

    assert CampusMapping().model_dump() == PARTS
