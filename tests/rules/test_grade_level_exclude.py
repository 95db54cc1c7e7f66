"""Reading K: State Exclude of the grade level, which the page does not have; off unless exclude_also names it."""

from edfi_cte.associations.model import OPTIONAL_RULES, ExclusionRule
from tests.rules.optional import campus, excludes_only_where_named

RULE = ExclusionRule.GRADE_LEVEL_EXCLUDE


def test_grade_level_exclude(engine):
    tables = campus()
    tables["GradeLevel"][0]["exclude"] = True
    excludes_only_where_named(engine, tables, RULE, [other for other in OPTIONAL_RULES if other != RULE])
