"""The domain's values: enrollment records and the Ed-Fi documents made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ExclusionRule(StrEnum):
    """Why a candidate record is left out: the "Post" row of the page's Object Triggering Logic.

    The values are the names used in SQL, the ledger, reports and pages. A record that several rules
    exclude bears the first of them, in this order.
    """

    NO_OVERLAP = "no_overlap_with_scope_year"
    NO_ENROLLMENT = "no_enrollment_in_scope_year"
    CAREER_CLUSTER_BLANK = "career_cluster_blank"
    CTE_PROGRAM_TYPE_BLANK = "cte_program_type_blank"
    CALENDAR_EXCLUDE = "calendar_exclude"
    SCHOOL_EXCLUDE = "school_exclude"
    NO_SHOW = "no_show"


class ServiceType(StrEnum):
    """Campus's service types, best first (reading L: page "Student School Association (Missouri v3.6)")."""

    PRIMARY = "P"
    PARTIAL = "S"
    SPECIAL_ED = "N"


@dataclass(frozen=True, slots=True)
class EnrollmentRecord:
    """One source row: a Campus enrollment with its Missouri career-technical fields.

    Text is trimmed and never empty (blank is ``None``); dates carry no time. ``excluded_by`` is the rule that
    leaves the record out of the scope year it was read for, or ``None``.
    """

    enrollment_id: int
    student_unique_id: str | None
    start_date: date | None
    end_date: date | None
    service_type: str | None
    cte_program_type: str | None
    cte_program_type_name: str | None
    career_cluster: str | None
    career_pathway: str | None
    student_status: str | None
    certification_status: str | None
    excluded_by: ExclusionRule | None
