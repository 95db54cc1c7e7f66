"""Page: "Does not send records when the School Exclude checkbox is marked in the
calendar the student is enrolled".
"""

import pytest

from edfi_cte.associations.model import ExclusionRule
from tests.campus.small import outcomes, small_campus
from tests.rules.without_rule import sql_without

RULE = ExclusionRule.SCHOOL_EXCLUDE


def with_flag(value):
    tables = small_campus()
    tables["School"][0]["exclude"] = value
    return tables


def test_school_exclude(engine):
    assert outcomes(engine.campus(with_flag(True))) == {1: RULE}


@pytest.mark.parametrize("value", [None, False])
def test_not_marked(engine, value):
    assert outcomes(engine.campus(with_flag(value))) == {1: None}


def test_taken_out_the_record_would_be_sent(engine, tmp_path):
    assert outcomes(engine.campus(with_flag(True)), sql_dir=sql_without(RULE, tmp_path)) == {1: None}
