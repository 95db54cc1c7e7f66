import re
from pathlib import Path

import pytest

from edfi_cte.associations.model import OPTIONAL_RULES, ExclusionRule
from edfi_cte.campus.templates import Templates, rules

ALL = {"exclude_also": [str(rule) for rule in OPTIONAL_RULES], "rules": rules(OPTIONAL_RULES)}


@pytest.mark.parametrize("rule", ExclusionRule)
def test_every_rule_has_a_test_that_bears_its_name(rule):
    assert f"def test_{rule}(" in Path(__file__).with_name(f"test_{rule}.py").read_text()


def test_the_sql_names_the_rules_in_the_order_of_the_page():
    values = dict.fromkeys(("district_number", "scope_year", "year_start", "year_end", "blanks"), "x")
    text = Templates(None, "%s").render("enrollment_records.sql", values, student_id="stateID", **ALL).text
    assert re.findall(r"THEN '(\w+)'\n", text[text.index("considered AS") :]) == list(ExclusionRule)
