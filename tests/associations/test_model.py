"""The words of the rules, and what makes two keys one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from edfi_cte.associations.model import FLAG_RULES, OPTIONAL_RULES, ExclusionRule, NaturalKey, digest

KEY = NaturalKey(date(2025, 8, 20), 39141, 39142, "Farm", "uri://x/ProgramTypeDescriptor#CTE", "1000000001")


def test_why_a_record_is_left_out_is_told_in_words_by_the_rules_in_their_order():
    assert {str(rule): rule.explanation for rule in ExclusionRule} == {
        "no_overlap_with_scope_year": "its dates do not overlap the school year",
        "no_enrollment_in_scope_year": "the student has no enrollment in a calendar of the scope year",
        "career_cluster_blank": "Career Cluster is blank",
        "cte_program_type_blank": "CTE Program Type is blank",
        "calendar_exclude": "its calendar is marked Exclude",
        "school_exclude": "its school is marked Exclude",
        "no_show": "it is marked No Show",
        "enrollment_state_exclude": "it is marked State Exclude",
        "grade_level_exclude": "its grade level is marked Exclude",
        "summer_school": "its calendar is one of summer school",
    }
    assert FLAG_RULES == ("calendar_exclude", "school_exclude", "no_show")
    assert OPTIONAL_RULES == ("enrollment_state_exclude", "grade_level_exclude", "summer_school")


def test_a_documents_key_is_read_whatever_an_ods_makes_of_its_values():
    document: dict[str, Any] = {
        "beginDate": "2025-08-20T00:00:00",
        "educationOrganizationReference": {"educationOrganizationId": "39141"},
        "programReference": {
            "educationOrganizationId": "39142",
            "programName": "Farm",
            "programTypeDescriptor": "uri://x/ProgramTypeDescriptor#CTE",
        },
        "studentReference": {"studentUniqueId": 1000000001},
    }
    assert NaturalKey.of(document) == KEY
    for name in document:
        with pytest.raises(KeyError, match=name):
            NaturalKey.of({other: value for other, value in document.items() if other != name})


@pytest.mark.parametrize(
    ("change", "same", "exact"),
    [
        ({"program_name": " Farm "}, True, True),
        ({"program_type_descriptor": " uri://x/ProgramTypeDescriptor#CTE "}, True, True),
        ({"student_unique_id": " 1000000001 "}, True, True),
        ({"program_name": "FARM"}, True, False),
        ({"program_type_descriptor": "URI://x/programtypedescriptor#cte"}, True, False),
        ({"program_name": "Farms"}, False, False),
        ({"program_type_descriptor": "uri://y/ProgramTypeDescriptor#CTE"}, False, False),
        ({"student_unique_id": "1000000002"}, False, False),
        ({"begin_date": date(2025, 8, 21)}, False, False),
        ({"education_organization_id": 39142}, False, False),
        ({"program_education_organization_id": 39141}, False, False),
    ],
)
def test_keys_are_one_but_for_case_and_the_blanks_around_a_value(change: dict[str, Any], same: bool, exact: bool):
    other = replace(KEY, **change)
    assert ((other.key_id == KEY.key_id), (other.exact == KEY.exact)) == (same, exact)


def test_a_digest_is_32_hex_digits_of_a_text_or_its_bytes():
    assert digest("Zoë") == digest("Zoë".encode()) != digest("Zoe")
    assert len(bytes.fromhex(digest(""))) == 16
