from pathlib import Path

import pytest

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.campus.templates import shipped_sql_dir


@pytest.mark.parametrize("rule", ExclusionRule)
def test_every_rule_has_a_test_that_bears_its_name(rule):
    assert f"def test_{rule}(" in Path(__file__).with_name(f"test_{rule}.py").read_text()


def test_the_sql_names_the_rules_in_the_order_of_the_page():
    text = (shipped_sql_dir() / "candidates.sql").read_text()
    places = [text.index(f"THEN '{rule}'") for rule in ExclusionRule]
    assert places == sorted(places)
