"""Page: "Does not send records when the CTE Program Type field is blank"."""

import pytest

from edfi_cte.associations.model import ExclusionRule
from tests.campus.small import outcomes, small_campus
from tests.rules.without_rule import sql_without

RULE = ExclusionRule.CTE_PROGRAM_TYPE_BLANK


def with_value(value):
    tables = small_campus()
    tables["EnrollmentMO"][0]["cteProgramType"] = value
    return tables


@pytest.mark.parametrize("value", [None, "", "   ", "\t", "\r\n", "\u00a0"], ids=repr)
def test_cte_program_type_blank(engine, value):
    assert outcomes(engine.campus(with_value(value))) == {1: RULE}


@pytest.mark.parametrize("value", ["0", " 8 ", "x"])
def test_a_value_is_not_blank(engine, value):
    assert outcomes(engine.campus(with_value(value))) == {1: None}


def test_taken_out_the_record_would_be_sent(engine, tmp_path):
    assert outcomes(engine.campus(with_value("")), sql_dir=sql_without(RULE, tmp_path)) == {1: None}
