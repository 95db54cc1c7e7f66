"""Reading K: a calendar of summer school, which the page does not have; off unless exclude_also names it."""

from edfi_cte.associations.model import OPTIONAL_RULES, ExclusionRule
from tests.rules.optional import campus, excludes_only_where_named

RULE = ExclusionRule.SUMMER_SCHOOL


def test_summer_school(engine):
    tables = campus()
    tables["Calendar"][0]["summerSchool"] = True
    excludes_only_where_named(engine, tables, RULE, [other for other in OPTIONAL_RULES if other != RULE])
