"""A Campus in which a rule of reading K would exclude a record, and what becomes of it with and without the rule."""

from __future__ import annotations

from collections.abc import Collection

from edfi_cte.associations.model import ExclusionRule
from sandbox.campus.schema import Tables
from tests.campus.engines import Engine
from tests.campus.small import enrollment, missouri, outcomes, reader, small_campus


def campus() -> Tables:
    """Two enrollments of one student, in two calendars and two grade levels; nothing is marked."""
    tables = small_campus()
    tables["Calendar"].append(tables["Calendar"][0] | {"calendarID": 2})
    tables["Enrollment"] = [
        enrollment(1, structureID=1, grade="12"),
        enrollment(2, calendarID=2, structureID=1, grade="11"),
    ]
    tables["EnrollmentMO"] = [missouri(1), missouri(2)]
    tables["GradeLevel"] = [
        {"gradeLevelID": 1, "structureID": 1, "name": "12", "exclude": False},
        {"gradeLevelID": 2, "structureID": 1, "name": "11", "exclude": None},
    ]
    return tables


def excludes_only_where_named(
    engine: Engine, tables: Tables, rule: ExclusionRule, others: Collection[ExclusionRule]
) -> None:
    """Enrollment 1 is excluded if, and only if, ``rule`` is named; its columns are there for each."""
    hook = engine.campus(tables)
    assert outcomes(hook) == {1: None, 2: None}
    assert outcomes(hook, exclude_also=[rule]) == {1: rule, 2: None}
    assert outcomes(hook, exclude_also=others) == {1: None, 2: None}
    assert reader(hook, exclude_also=[rule]).missing_columns() == []
