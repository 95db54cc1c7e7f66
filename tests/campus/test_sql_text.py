"""The templates as text: T-SQL by a linter's parser, one statement each, no value that came from outside."""

from __future__ import annotations

import re

import pytest
from sqlfluff.core import FluffConfig, Linter

from edfi_cte.campus.templates import Templates, shipped_sql_dir

VALUES = {
    "blanks": " ",
    "district_number": "039141",
    "scope_year": 2026,
    "year_start": "2025-07-01",
    "year_end": "2026-06-30",
    "DISTRICT": "DISTRICT",
    "PERSON": "PERSON",
}
STATEMENTS = [
    "code_usage.sql",
    "columns.sql",
    "district_numbers.sql",
    "enrollment_count.sql",
    "enrollment_records.sql",
    "school_year.sql",
    "server.sql",
]
PARTS = {"campus_mapping.sql", "candidates.sql", "clean.sql", "code_list.sql", "grants.sql"}
LAX = {
    "CP02": "names keep Campus's own spelling",
    "ST03": "the mapping template is whole in every statement",
    "ST06": "columns stand in the order in which they are read",
    "AL09": "the mapping gives every column a name of ours, also where Campus has the same",
    "LT02": "a rendered expression is indented as in its own file",
    "LT05": "a rendered expression is longer than its source",
    "RF04": "Campus calls columns name and code",
}


def rendered(name: str, placeholder: str = "%s") -> str:
    names = {"information_schema": "INFORMATION_SCHEMA", "tables": ["DISTRICT", "PERSON"]}
    return Templates(None, placeholder).render(name, VALUES, student_id="stateID", **names).text


def test_every_shipped_file_is_known_here():
    assert {path.name for path in shipped_sql_dir().glob("*.sql")} == PARTS | set(STATEMENTS)


@pytest.fixture(scope="module")
def linter():
    rules = {"dialect": "tsql", "exclude_rules": ",".join(LAX)}
    return Linter(config=FluffConfig(overrides=rules))


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_clean_t_sql(linter, name):
    found = linter.lint_string(rendered(name).replace("%s", "@p").rstrip() + ";\n").violations
    assert [f"{v.rule_code()} line {v.line_no}: {v.desc()}" for v in found] == []


def test_the_grants_are_clean_t_sql(linter):
    found = linter.lint_string((shipped_sql_dir() / "grants.sql").read_text()).violations
    assert [f"{v.rule_code()} line {v.line_no}: {v.desc()}" for v in found] == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_file_is_one_statement_that_only_reads(name):
    text = re.sub(r"--[^\n]*", "", rendered(name))
    assert re.match(r"\s*(WITH|SELECT)\b", text)
    assert ";" not in text
    forbidden = r"\b(INSERT|UPDATE|DELETE|MERGE|INTO|EXEC|DROP|ALTER|CREATE|TRUNCATE|NOLOCK|READUNCOMMITTED|GO)\b"
    assert not re.search(forbidden, text, re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name != "server.sql"])
@pytest.mark.parametrize("placeholder", ["%s", "?"])
def test_values_are_bound_never_written(name, placeholder):
    names = {"information_schema": "INFORMATION_SCHEMA", "tables": ["DISTRICT", "PERSON"]}
    statement = Templates(None, placeholder).render(name, VALUES, student_id="stateID", **names)
    text = re.sub(r"--[^\n]*", "", statement.text)
    assert text.count(placeholder) == len(statement.parameters) > 0
    for value in ("039141", "2026", "2025-07-01", "2026-06-30"):
        assert value not in text


def test_what_an_index_can_answer_is_asked_of_the_raw_columns():
    """The rows that are not likely are left out before anything is computed from a column."""
    text = re.sub(r"--[^\n]*", "", rendered("enrollment_records.sql"))
    likely = re.search(r"\bof_district AS \((.*?)\n\),", text, re.DOTALL)
    assert likely
    district, year = likely[1].split("AND (", 1)
    assert district.count("TRIM") == 1, "of the few rows of District alone"
    assert not re.search(r"\b(TRIM|UPPER|CASE|COALESCE|NULLIF)\b", year)
    assert re.findall(r"CAST\((\S+) AS", year) == ["%s"] * 3
    assert text.count("FROM campus_enrollment") == 1, "read twice, some databases would keep the whole table first"
    assert text.count("FROM of_district") == 1, "joined to itself, a bad plan would be quadratic"


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE dbo.Person; --", '"', "]", "\u02bc OR 1=1", "{{ 7 * 7 }}", "%s", "?"]
)
def test_a_hostile_value_changes_no_statement(value):
    harmless = rendered("enrollment_records.sql")
    hostile = Templates(None, "%s").render(
        "enrollment_records.sql", VALUES | {"district_number": value}, student_id="stateID"
    )
    assert hostile.text == harmless
    assert value in hostile.parameters
