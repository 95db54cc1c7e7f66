"""The domain's values: enrollment records and the Ed-Fi documents made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec


class ExclusionRule(StrEnum):
    """Why a candidate record is left out: the "Post" row of the page's Object Triggering Logic.

    The values are the names used in SQL, the ledger, reports and pages. A record that several rules
    exclude bears the first of them, in this order. The last three are not on the page (reading K): they apply only
    where a setting names them.
    """

    NO_OVERLAP = "no_overlap_with_scope_year"
    NO_ENROLLMENT = "no_enrollment_in_scope_year"
    CAREER_CLUSTER_BLANK = "career_cluster_blank"
    CTE_PROGRAM_TYPE_BLANK = "cte_program_type_blank"
    CALENDAR_EXCLUDE = "calendar_exclude"
    SCHOOL_EXCLUDE = "school_exclude"
    NO_SHOW = "no_show"
    ENROLLMENT_STATE_EXCLUDE = "enrollment_state_exclude"
    GRADE_LEVEL_EXCLUDE = "grade_level_exclude"
    SUMMER_SCHOOL = "summer_school"

    @property
    def explanation(self) -> str:
        """Why a record is left out, in words."""
        return _EXPLANATIONS[self]


OPTIONAL_RULES = (
    ExclusionRule.ENROLLMENT_STATE_EXCLUDE,
    ExclusionRule.GRADE_LEVEL_EXCLUDE,
    ExclusionRule.SUMMER_SCHOOL,
)

_DERIVED = (
    ExclusionRule.NO_OVERLAP,
    ExclusionRule.NO_ENROLLMENT,
    ExclusionRule.CAREER_CLUSTER_BLANK,
    ExclusionRule.CTE_PROGRAM_TYPE_BLANK,
)
FLAG_RULES = tuple(rule for rule in ExclusionRule if rule not in (*_DERIVED, *OPTIONAL_RULES))
"""The page's rules that are a flag in Campus: each has a column of its name in the mapping template."""


_EXPLANATIONS = {
    ExclusionRule.NO_OVERLAP: "its dates do not overlap the school year",
    ExclusionRule.NO_ENROLLMENT: "the student has no enrollment in a calendar of the scope year",
    ExclusionRule.CAREER_CLUSTER_BLANK: "Career Cluster is blank",
    ExclusionRule.CTE_PROGRAM_TYPE_BLANK: "CTE Program Type is blank",
    ExclusionRule.CALENDAR_EXCLUDE: "its calendar is marked Exclude",
    ExclusionRule.SCHOOL_EXCLUDE: "its school is marked Exclude",
    ExclusionRule.NO_SHOW: "it is marked No Show",
    ExclusionRule.ENROLLMENT_STATE_EXCLUDE: "it is marked State Exclude",
    ExclusionRule.GRADE_LEVEL_EXCLUDE: "its grade level is marked Exclude",
    ExclusionRule.SUMMER_SCHOOL: "its calendar is one of summer school",
}


class ServiceType(StrEnum):
    """Campus's service types, best first (reading L: page "Student School Association (Missouri v3.6)")."""

    PRIMARY = "P"
    PARTIAL = "S"
    SPECIAL_ED = "N"


@dataclass(frozen=True, slots=True)
class EnrollmentRecord:
    """One source row: a Campus enrollment with its Missouri career-technical fields.

    Text is trimmed and never empty (blank is ``None``); dates carry no time. ``excluded_by`` is the rule that
    leaves the record out of the scope year it was read for, or ``None``. School and calendar say where the student
    is enrolled, for reports and pages; nothing of them is sent.
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
    school_number: str | None = None
    school_name: str | None = None
    calendar_name: str | None = None


MAPPED_FIELDS = {
    "career_cluster": "Career Cluster",
    "cte_program_type": "CTE Program Type",
    "career_pathway": "Career Pathway",
    "student_status": "Student Status",
    "certification_status": "Certification Status",
}
"""The fields whose codes a resource preference maps, and what people call them."""


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """The six values that identify an association (DDL of GeneralStudentProgramAssociation, all versions)."""

    begin_date: date
    education_organization_id: int
    program_education_organization_id: int
    program_name: str
    program_type_descriptor: str
    student_unique_id: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> NaturalKey:
        """The key of an association document, ours or the ODS's. Raises KeyError or ValueError if it has none."""
        program = document["programReference"]
        return cls(
            begin_date=date.fromisoformat(document["beginDate"][:10]),
            education_organization_id=int(document["educationOrganizationReference"]["educationOrganizationId"]),
            program_education_organization_id=int(program["educationOrganizationId"]),
            program_name=program["programName"],
            program_type_descriptor=program["programTypeDescriptor"],
            student_unique_id=str(document["studentReference"]["studentUniqueId"]),
        )

    @property
    def key_id(self) -> str:
        """32 hex digits, equal for keys that an ODS holds to be one.

        SQL Server's default collation and Ed-Fi's descriptors ignore case, so two keys that differ by case alone
        are the same record there; a hash also keeps them apart from any ledger's own collation.
        """
        return digest(self._text().casefold())

    @property
    def exact(self) -> str:
        """32 hex digits, equal for keys that are the same to the letter."""
        return digest(self._text())

    def _text(self) -> str:
        return (
            f"{self.begin_date.isoformat()}\n{self.education_organization_id}\n"
            f"{self.program_education_organization_id}\n{self.program_name.strip()}\n"
            f"{self.program_type_descriptor.strip()}\n{self.student_unique_id.strip()}"
        )


@dataclass(frozen=True, slots=True)
class Association:
    """One ``studentCTEProgramAssociation`` that a record derives, ready to send.

    ``body`` is canonical JSON text (sorted keys, no blanks); ``payload_hash`` is the digest of it, and
    ``content_hash`` that of the document as an ODS would compare it (see :mod:`.compare`). ``key_id`` and
    ``key_exact`` are the natural key's digests.
    """

    key_id: str
    key_exact: str
    begin_date: str
    program_name: str
    body: str
    payload_hash: str
    content_hash: str


def canonical_json(document: Mapping[str, Any]) -> str:
    """The one spelling of a document that hashes and comparisons use."""
    return _ENCODER.encode(document).decode()


_ENCODER = msgspec.json.Encoder(order="deterministic")


def digest(text: str | bytes) -> str:
    """32 hex digits that stand for ``text``; for a text and its UTF-8 bytes the same."""
    return hashlib.blake2b(text.encode() if isinstance(text, str) else text, digest_size=16).hexdigest()
