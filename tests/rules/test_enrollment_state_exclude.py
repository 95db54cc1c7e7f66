"""Reading K: State Exclude of the enrollment, which the page does not have; off unless exclude_also names it."""

from edfi_cte.associations.model import OPTIONAL_RULES, ExclusionRule
from tests.rules.optional import campus, excludes_only_where_named

RULE = ExclusionRule.ENROLLMENT_STATE_EXCLUDE


def test_enrollment_state_exclude(engine):
    tables = campus()
    tables["Enrollment"][0]["stateExclude"] = True
    excludes_only_where_named(engine, tables, RULE, [other for other in OPTIONAL_RULES if other != RULE])
