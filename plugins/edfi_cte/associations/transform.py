"""From an enrollment record to the association it derives, by the scope year's resource preferences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from edfi_cte.associations.compare import content_hash
from edfi_cte.associations.model import (
    Association,
    EnrollmentRecord,
    NaturalKey,
    ServiceType,
    canonical_json,
    digest,
)
from edfi_cte.settings import ResourcePreferences

DOCUMENT_VERSION = 1
"""To be raised whenever a record may derive another association, or rejection, than with the version before."""

EARLIEST_START = date(1950, 1, 1)
MAX_PROGRAM_NAME = 60
MAX_STUDENT_UNIQUE_ID = 32


class RejectionReason(StrEnum):
    """Why a record that should go can't: a *Campus error*, to be mended in Campus or in the preferences."""

    STUDENT_ID_MISSING = "student_id_missing"
    STUDENT_ID_TOO_LONG = "student_id_too_long"
    START_DATE_MISSING = "start_date_missing"
    START_DATE_IMPOSSIBLE = "start_date_impossible"
    CAREER_CLUSTER_UNMAPPED = "career_cluster_unmapped"
    PROGRAM_NAME_MISSING = "program_name_missing"
    PROGRAM_NAME_TOO_LONG = "program_name_too_long"
    CAREER_PATHWAY_UNMAPPED = "career_pathway_unmapped"
    STUDENT_STATUS_UNMAPPED = "student_status_unmapped"
    CERTIFICATION_STATUS_UNMAPPED = "certification_status_unmapped"

    @property
    def advice(self) -> str:
        """What a person does about it."""
        return _ADVICE[self]


_ADVICE = {
    RejectionReason.STUDENT_ID_MISSING: "Enter the student's State ID in Campus.",
    RejectionReason.STUDENT_ID_TOO_LONG: f"Ed-Fi allows {MAX_STUDENT_UNIQUE_ID} characters; correct it in Campus.",
    RejectionReason.START_DATE_MISSING: "Enter the enrollment's Start Date in Campus.",
    RejectionReason.START_DATE_IMPOSSIBLE: "No one has been enrolled since then; correct the Start Date in Campus.",
    RejectionReason.CAREER_CLUSTER_UNMAPPED: (
        "Map the code under preferences.<name>.career_cluster.mapping, or correct the Career Cluster in Campus."
    ),
    RejectionReason.PROGRAM_NAME_MISSING: (
        "The CTE Program Type has no label in Campus: add it to the attribute's code list, or map the code under "
        "preferences.<name>.program_name.mapping."
    ),
    RejectionReason.PROGRAM_NAME_TOO_LONG: (
        f"Ed-Fi allows {MAX_PROGRAM_NAME} characters: map the code to a shorter programName."
    ),
    RejectionReason.CAREER_PATHWAY_UNMAPPED: "Map the value under preferences.<name>.career_pathway, or to null.",
    RejectionReason.STUDENT_STATUS_UNMAPPED: "Map the value under preferences.<name>.student_status, or to null.",
    RejectionReason.CERTIFICATION_STATUS_UNMAPPED: (
        "Campus's certification status is neither passing nor attempted: correct the mapping template."
    ),
}


class Rejected(Exception):
    """A record that should go but can't. ``detail`` is the offending code, never a student's id."""

    def __init__(self, reason: RejectionReason, detail: str | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Ranked(Protocol):
    """What :func:`winner` needs to know of a record."""

    @property
    def enrollment_id(self) -> int: ...
    @property
    def service_type(self) -> str | None: ...


R = TypeVar("R", bound=Ranked)
V = TypeVar("V")


class Transform:
    """Turns the enrollment records of one target into associations.

    ``data_standard`` is the target's, e.g. ``(3, 3)`` or ``(5, 2)``: ``ctePrograms`` left with Data Standard 5.
    """

    def __init__(self, preferences: ResourcePreferences, edorg_id: int, data_standard: tuple[int, int]) -> None:
        self._preferences = preferences
        self._edorg_id = edorg_id
        self._has_cte_programs = data_standard < (5, 0)
        self._clusters = preferences.career_cluster.uris()
        # The defaults are part of the package, not of the preferences: an upgrade may change them.
        made_with = (DOCUMENT_VERSION, preferences.fingerprint(), canonical_json(self._clusters))
        self.fingerprint = digest(f"{made_with} {edorg_id} {self._has_cte_programs}")
        """Changes when the same records may derive other associations."""

    def association(self, record: EnrollmentRecord) -> Association:
        """The association of a record that no rule excludes. Raises :class:`Rejected`."""
        document = self._document(record)
        key = NaturalKey.of(document)
        body = canonical_json(document)
        return Association(
            key_id=key.key_id,
            key_exact=key.exact,
            begin_date=document["beginDate"],
            program_name=key.program_name,
            body=body,
            payload_hash=digest(body),
            content_hash=content_hash(document),
        )

    def _document(self, record: EnrollmentRecord) -> dict[str, Any]:
        """Page: Object Data Elements; the optional mappings: Resource Preferences."""
        document: dict[str, Any] = {
            "beginDate": _begin_date(record),
            "educationOrganizationReference": {"educationOrganizationId": self._edorg_id},
            "programReference": {
                "educationOrganizationId": self._edorg_id,
                "programName": self._program_name(record),
                "programTypeDescriptor": self._preferences.program_type_descriptor,
            },
            "studentReference": {"studentUniqueId": _student_unique_id(record)},
            "cteProgramServices": [{"cteProgramServiceDescriptor": self._cluster(record)}],
        }
        if self._preferences.send_end_date and record.end_date:
            document["endDate"] = record.end_date.isoformat()
        if cte_program := self._cte_program(record):
            document["ctePrograms"] = [cte_program]
        if assessment := self._technical_skills_assessment(record):
            document["technicalSkillsAssessmentDescriptor"] = assessment
        return document

    def _program_name(self, record: EnrollmentRecord) -> str:
        preference = self._preferences.program_name
        code = record.cte_program_type or ""
        own = code if preference.source == "code" else record.cte_program_type_name
        name = (preference.mapping.get(code, own) or "").strip()
        if not name:
            raise Rejected(RejectionReason.PROGRAM_NAME_MISSING, code)
        if len(name) > MAX_PROGRAM_NAME:
            raise Rejected(RejectionReason.PROGRAM_NAME_TOO_LONG, code)
        return name

    def _cluster(self, record: EnrollmentRecord) -> str:
        code = record.career_cluster or ""
        # Campus pads some code lists: "04" is cluster 4.
        uri = self._clusters.get(code) or self._clusters.get(code.lstrip("0"))
        if uri is None:
            raise Rejected(RejectionReason.CAREER_CLUSTER_UNMAPPED, code)
        return uri

    def _cte_program(self, record: EnrollmentRecord) -> dict[str, Any] | None:
        """An item of ctePrograms (Data Standard 4.0 and before): needs a pathway, which is its identity."""
        if not self._has_cte_programs:
            return None
        pathway = _mapped(
            self._preferences.career_pathway, record.career_pathway, RejectionReason.CAREER_PATHWAY_UNMAPPED
        )
        completed = _mapped(
            self._preferences.student_status, record.student_status, RejectionReason.STUDENT_STATUS_UNMAPPED
        )
        if pathway is None:
            return None
        item: dict[str, Any] = {"careerPathwayDescriptor": pathway}
        if completed is not None:
            item["cteProgramCompletionIndicator"] = completed
        return item

    def _technical_skills_assessment(self, record: EnrollmentRecord) -> str | None:
        preference = self._preferences.certification_status
        status = (record.certification_status or "none").casefold()
        if status not in ("passing", "attempted", "none"):
            raise Rejected(RejectionReason.CERTIFICATION_STATUS_UNMAPPED, status)
        uri: str | None = getattr(preference, status)
        return uri


def winner(records: Iterable[R]) -> R:
    """Of several records with one key the one that is sent: service type P, S, N, then the highest enrollmentID.

    Source: page "Student School Association (Missouri v3.6)", borrowed by reading L.
    """
    return min(records, key=lambda record: (_rank(record.service_type), -record.enrollment_id))


_RANKS = {service_type.value: rank for rank, service_type in enumerate(ServiceType)}


def _rank(service_type: str | None) -> int:
    return _RANKS.get((service_type or "").upper(), len(_RANKS))


def _mapped(mapping: dict[str, V], value: str | None, reason: RejectionReason) -> V | None:
    if not mapping or value is None:
        return None
    if value not in mapping:
        raise Rejected(reason, value)
    return mapping[value]


def _begin_date(record: EnrollmentRecord) -> str:
    if record.start_date is None:
        raise Rejected(RejectionReason.START_DATE_MISSING)
    if record.start_date < EARLIEST_START:
        raise Rejected(RejectionReason.START_DATE_IMPOSSIBLE, record.start_date.isoformat())
    return record.start_date.isoformat()


def _student_unique_id(record: EnrollmentRecord) -> str:
    if record.student_unique_id is None:
        raise Rejected(RejectionReason.STUDENT_ID_MISSING)
    if len(record.student_unique_id) > MAX_STUDENT_UNIQUE_ID:
        raise Rejected(RejectionReason.STUDENT_ID_TOO_LONG)
    return record.student_unique_id
