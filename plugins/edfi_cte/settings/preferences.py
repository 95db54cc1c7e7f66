"""Resource preferences: the mappings from Campus values to Ed-Fi (page: Resource Preferences)."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from edfi_cte.settings.values import CampusCode, DescriptorUri, ProgramName, Section, matches

CAREER_CLUSTERS = {
    # page: CTE Program Service Descriptor. 13 (Manufacturing) is missing from the published list; it is in the
    # national numbering that the list follows, so it is shipped and flagged rather than dropped in silence.
    "1": "Agriculture, Food & Natural Resource",
    "2": "Architecture & Construction",
    "3": "Arts/ A/V Technology & Communication",
    "4": "Business & Administrative",
    "5": "Education & Training",
    "6": "Finance & Insurance",
    "7": "Government & Public Administration",
    "8": "Health Science",
    "9": "Hospitality & Tourism",
    "10": "Human Service",
    "11": "Information Technology",
    "12": "Law & Public Safety",
    "13": "Manufacturing",
    "14": "Marketing Sales & Service",
    "15": "Scientific Research/Engineering",
    "16": "Transportation, Distribution, & Logistics",
}
UNLISTED_CAREER_CLUSTERS = frozenset({"13"})

CTE_PROGRAM_TYPE_URI = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"


class ProgramNamePreference(Section):
    """Which value of CTE Program Type is the Program's name in the ODS (reading C: the label by default)."""

    source: Literal["label", "code"] = "label"
    """The code list's label, or the code itself."""
    mapping: dict[CampusCode, ProgramName] = {}
    """CTE Program Type code to programName; a code that is not listed keeps its ``source`` value.
    Example: ``"0110": Agricultural Education``."""


class CareerClusterPreference(Section):
    """Campus's Career Cluster code to the cteProgramServiceDescriptor."""

    namespace: Annotated[
        str,
        matches(
            r"uri://[^\s/#]+/[^\s#]*Descriptor",
            "a namespace is written uri://<host>/<Name>Descriptor, for example uri://ed-fi.org/CTEProgramServiceDescriptor",
        ),
    ] = "uri://dese.mo.gov/CTEProgramServiceDescriptor"
    """Where the shipped defaults (codes 1 to 16) live. The host is not public: take it from your ODS."""
    mapping: dict[CampusCode, DescriptorUri] = {}
    """Full URIs for single codes, over the defaults or beside them. Example: ``"8":
    "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"``."""

    def uris(self) -> dict[str, str]:
        """Every mapped code with its descriptor URI."""
        defaults = {code: f"{self.namespace}#{code}" for code in CAREER_CLUSTERS}
        return defaults | self.mapping


class CertificationStatusPreference(Section):
    """Career Tech Program Certifications to technicalSkillsAssessmentDescriptor (page: Resource Preferences)."""

    passing: DescriptorUri | None = None
    """The descriptor of a passed assessment. Null is not sent. Example:
    ``"uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Passed"``."""
    attempted: DescriptorUri | None = None
    """The descriptor of an assessment that was taken and not passed. Null is not sent. Example:
    ``"uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Not Passed"``."""
    none: DescriptorUri | None = None
    """The descriptor of no assessment. Null is not sent. Example:
    ``"uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Not Taken"``."""


class ResourcePreferences(Section):
    """The mappings from Campus values to Ed-Fi (page: Resource Preferences).

    In an optional mapping a code set to null is known and not sent; a code that a configured mapping does not
    list rejects the record.
    """

    program_type_descriptor: DescriptorUri = CTE_PROGRAM_TYPE_URI
    """The programTypeDescriptor of every association."""
    program_name: ProgramNamePreference = ProgramNamePreference()
    """What is sent as programName."""
    career_cluster: CareerClusterPreference = CareerClusterPreference()
    """What is sent as cteProgramServiceDescriptor."""
    career_pathway: dict[CampusCode, DescriptorUri | None] = {}
    """Campus's Career Pathway to the careerPathwayDescriptor. Example: ``"AGR":
    "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture, Food and Natural Resources"``.
    """
    student_status: dict[CampusCode, bool | None] = {}
    """Campus's Student Status to cteProgramCompletionIndicator. Example: ``"3": true``."""
    certification_status: CertificationStatusPreference = CertificationStatusPreference()
    """Campus's certification status to technicalSkillsAssessmentDescriptor."""
    send_end_date: bool = False
    """True sends endDate, which the page does not list."""
    career_cluster_change: Literal["delete_post", "put"] = "delete_post"
    """What a change of the Career Cluster sends: ``delete_post`` as the page has it, or ``put``."""
    create_missing_programs: bool = False
    """True posts a Program that the ODS lacks, before the records that need it."""

    def fingerprint(self) -> str:
        """Changes when, and only when, a mapping changes."""
        mappings = self.model_dump(exclude={"career_cluster_change", "create_missing_programs"})
        return hashlib.blake2b(json.dumps(mappings, sort_keys=True).encode(), digest_size=16).hexdigest()
