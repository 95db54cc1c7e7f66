import pytest

from edfi_cte.campus import InvalidTemplate
from edfi_cte.campus.templates import Templates
from tests.campus.small import YEAR, edited_mapping, reader, small_campus


def no_show_as(expression, engine, folder):
    sql_dir = edited_mapping(folder, "e.noShow AS no_show", f"{expression} AS no_show")
    (record,) = reader(engine.campus(small_campus()), sql_dir=sql_dir).enrollment_records(YEAR)
    return record.excluded_by == "no_show"


@pytest.mark.parametrize("expression", ["CAST('Y' AS char(1))", "CAST('1' AS char(1))", "'true'", "1", "' yes '"])
def test_a_flag_may_be_kept_as_text_or_number(engine, tmp_path, expression):
    assert no_show_as(expression, engine, tmp_path)


@pytest.mark.parametrize("expression", ["CAST('N' AS char(1))", "CAST('0' AS char(1))", "''", "' '", "0", "NULL"])
def test_a_flag_that_is_not_set(engine, tmp_path, expression):
    assert not no_show_as(expression, engine, tmp_path)


def test_a_code_may_be_kept_as_a_number(engine, tmp_path):
    sql_dir = edited_mapping(tmp_path, "mo.careerCluster AS", "CAST(mo.careerCluster AS int) AS")
    (record,) = reader(engine.campus(small_campus()), sql_dir=sql_dir).enrollment_records(YEAR)
    assert record.career_cluster == "8"


def test_a_mapping_may_use_percent_and_question_marks(engine, tmp_path):
    sql_dir = edited_mapping(
        tmp_path, "mo.careerCluster AS", "CASE WHEN mo.careerCluster LIKE '%8%' THEN '100%?' ELSE '%%' END AS"
    )
    (record,) = reader(engine.campus(small_campus()), sql_dir=sql_dir).enrollment_records(YEAR)
    assert record.career_cluster == "100%?"


def test_a_percent_that_pymssql_would_take_for_a_parameter_is_refused_with_the_way_out(tmp_path):
    edited_mapping(tmp_path, "mo.careerCluster AS", "CASE WHEN mo.careerCluster LIKE '%summer' THEN 'x' END AS")
    with pytest.raises(InvalidTemplate, match=r"takes the %s in the text for a parameter.*LIKE '%summer"):
        Templates(tmp_path, "%s").render("district_numbers.sql", {"blanks": " "}, student_id="stateID")
