"""An enrollment record becomes an association by the preferences, or is rejected for a named reason."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from edfi_cte import settings
from edfi_cte.associations import transform
from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.associations.transform import DOCUMENT_VERSION, Rejected, RejectionReason, Transform, winner
from edfi_cte.settings import ResourcePreferences

RECORD = EnrollmentRecord(
    enrollment_id=7,
    student_unique_id="1000000007",
    start_date=date(2025, 8, 20),
    end_date=date(2026, 5, 22),
    service_type="P",
    cte_program_type="0110",
    cte_program_type_name="Agricultural Education",
    career_cluster="1",
    career_pathway=None,
    student_status=None,
    certification_status=None,
    excluded_by=None,
)


def document(record: EnrollmentRecord = RECORD, standard: tuple[int, int] = (3, 3), **preferences: Any) -> Any:
    made = Transform(ResourcePreferences.model_validate(preferences), 39141, standard)
    return json.loads(made.association(record).body)


def rejection(record: EnrollmentRecord, **preferences: Any) -> tuple[RejectionReason, str | None]:
    with pytest.raises(Rejected) as rejected:
        document(record, **preferences)
    assert rejected.value.args == (rejected.value.reason, rejected.value.detail)
    return rejected.value.reason, rejected.value.detail


def test_the_pages_data_elements():
    assert document() == {
        "beginDate": "2025-08-20",
        "educationOrganizationReference": {"educationOrganizationId": 39141},
        "programReference": {
            "educationOrganizationId": 39141,
            "programName": "Agricultural Education",
            "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
        },
        "studentReference": {"studentUniqueId": "1000000007"},
        "cteProgramServices": [{"cteProgramServiceDescriptor": "uri://dese.mo.gov/CTEProgramServiceDescriptor#1"}],
    }


@pytest.mark.parametrize("code", [*map(str, range(1, 17)), "04"])
def test_every_listed_career_cluster_and_manufacturing_have_a_default(code: str):
    [service] = document(replace(RECORD, career_cluster=code))["cteProgramServices"]
    assert service["cteProgramServiceDescriptor"].endswith(f"CTEProgramServiceDescriptor#{int(code)}")


def test_the_namespace_and_single_clusters_are_settings():
    cluster = {
        "namespace": "uri://state.example/CTEProgramServiceDescriptor",
        "mapping": {"8": "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"},
    }
    [own] = document(replace(RECORD, career_cluster="8"), career_cluster=cluster)["cteProgramServices"]
    [default] = document(career_cluster=cluster)["cteProgramServices"]
    assert own["cteProgramServiceDescriptor"] == "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"
    assert default["cteProgramServiceDescriptor"] == "uri://state.example/CTEProgramServiceDescriptor#1"


@pytest.mark.parametrize(
    ("preference", "name"),
    [
        ({}, "Agricultural Education"),
        ({"source": "code"}, "0110"),
        ({"mapping": {"0110": "Agriculture"}}, "Agriculture"),
        ({"source": "code", "mapping": {"9999": "Other"}}, "0110"),
    ],
)
def test_program_name_is_label_code_or_mapped(preference: dict[str, Any], name: str):
    assert document(program_name=preference)["programReference"]["programName"] == name


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        ({"student_unique_id": None}, RejectionReason.STUDENT_ID_MISSING, None),
        ({"student_unique_id": "9" * 33}, RejectionReason.STUDENT_ID_TOO_LONG, None),
        ({"start_date": None}, RejectionReason.START_DATE_MISSING, None),
        ({"start_date": date(206, 8, 15)}, RejectionReason.START_DATE_IMPOSSIBLE, "0206-08-15"),
        ({"start_date": date(1949, 12, 31)}, RejectionReason.START_DATE_IMPOSSIBLE, "1949-12-31"),
        ({"career_cluster": "99"}, RejectionReason.CAREER_CLUSTER_UNMAPPED, "99"),
        ({"career_cluster": None}, RejectionReason.CAREER_CLUSTER_UNMAPPED, ""),
        ({"cte_program_type_name": None}, RejectionReason.PROGRAM_NAME_MISSING, "0110"),
        ({"cte_program_type_name": " ", "cte_program_type": None}, RejectionReason.PROGRAM_NAME_MISSING, ""),
        ({"cte_program_type_name": "x" * 61}, RejectionReason.PROGRAM_NAME_TOO_LONG, "0110"),
        ({"certification_status": "Perhaps"}, RejectionReason.CERTIFICATION_STATUS_UNMAPPED, "perhaps"),
    ],
)
def test_a_record_that_cannot_go_is_rejected_by_name(
    change: dict[str, Any], reason: RejectionReason, detail: str | None
):
    assert rejection(replace(RECORD, **change)) == (reason, detail)
    assert reason.advice


def test_what_is_just_short_and_late_enough_goes():
    name, student = "x" * 60, "9" * 32
    change: dict[str, Any] = {"cte_program_type_name": f" {name} ", "student_unique_id": student}
    made = document(replace(RECORD, start_date=date(1950, 1, 1), **change))
    assert made["programReference"]["programName"] == name
    assert (made["studentReference"], made["beginDate"]) == ({"studentUniqueId": student}, "1950-01-01")


def test_what_a_person_does_about_each_rejection_is_told():
    told = {reason.advice for reason in RejectionReason}
    assert len(told) == len(RejectionReason)
    assert "Ed-Fi allows 32 characters; correct it in Campus." in told
    assert "Ed-Fi allows 60 characters: map the code to a shorter programName." in told


def test_a_configured_optional_mapping_rejects_what_it_does_not_list():
    pathways = {"AG": "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture", "XX": None}
    assert rejection(replace(RECORD, career_pathway="ZZ"), career_pathway=pathways) == (
        RejectionReason.CAREER_PATHWAY_UNMAPPED,
        "ZZ",
    )
    assert rejection(replace(RECORD, student_status="9"), student_status={"3": True}) == (
        RejectionReason.STUDENT_STATUS_UNMAPPED,
        "9",
    )
    assert "ctePrograms" not in document(replace(RECORD, career_pathway="XX"), career_pathway=pathways)


@pytest.mark.parametrize(("status", "completed"), [("1", {"cteProgramCompletionIndicator": False}), (None, {})])
def test_what_is_not_completed_is_said_and_what_is_not_known_is_not(status: str | None, completed: dict[str, bool]):
    pathway = "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture"
    record = replace(RECORD, career_pathway="AG", student_status=status)
    made = document(record, career_pathway={"AG": pathway}, student_status={"3": True, "1": False})
    assert made["ctePrograms"] == [{"careerPathwayDescriptor": pathway} | completed]


def test_pathway_and_completion_are_sent_where_mapped():
    preferences = {
        "career_pathway": {"AG": "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture"},
        "student_status": {"3": True, "1": False},
    }
    record = replace(RECORD, career_pathway="AG", student_status="3")
    assert document(record, **preferences)["ctePrograms"] == [
        {
            "careerPathwayDescriptor": "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture",
            "cteProgramCompletionIndicator": True,
        }
    ]


def test_cte_programs_left_the_model_with_data_standard_5():
    record = replace(RECORD, career_pathway="AG", student_status="3")
    preferences = {"career_pathway": {"AG": "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture"}}
    assert "ctePrograms" in document(record, (4, 0), **preferences)
    assert "ctePrograms" not in document(record, (5, 0), **preferences)


@pytest.mark.parametrize(
    ("status", "sent"),
    [("passing", "Passed"), ("Attempted", "Not Passed"), (None, "Did Not Take")],
)
def test_technical_skills_assessment_by_certification_status(status: str | None, sent: str):
    base = "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#"
    mapping = {"passing": base + "Passed", "attempted": base + "Not Passed", "none": base + "Did Not Take"}
    record = replace(RECORD, certification_status=status)
    assert document(record, certification_status=mapping)["technicalSkillsAssessmentDescriptor"] == base + sent
    assert "technicalSkillsAssessmentDescriptor" not in document(record)


def test_end_date_is_sent_only_where_the_preferences_say_so():
    assert "endDate" not in document()
    assert document(send_end_date=True)["endDate"] == "2026-05-22"
    assert "endDate" not in document(replace(RECORD, end_date=None), send_end_date=True)


def test_the_fingerprint_follows_the_mappings_and_nothing_else():
    def fingerprint(standard: tuple[int, int] = (3, 3), **preferences: Any) -> str:
        return Transform(ResourcePreferences.model_validate(preferences), 39141, standard).fingerprint

    assert fingerprint() == fingerprint() == fingerprint((4, 0)) == fingerprint(career_cluster_change="put")
    assert fingerprint() != fingerprint(send_end_date=True)
    assert fingerprint() != fingerprint((5, 0))
    assert Transform(ResourcePreferences(), 39142, (3, 3)).fingerprint != fingerprint(), "another organization's"


FULL_DOCUMENT: dict[str, Any] = {
    "beginDate": "2025-08-20",
    "cteProgramServices": [{"cteProgramServiceDescriptor": "uri://dese.mo.gov/CTEProgramServiceDescriptor#1"}],
    "educationOrganizationReference": {"educationOrganizationId": 39141},
    "endDate": "2026-05-22",
    "programReference": {
        "educationOrganizationId": 39141,
        "programName": "Agricultural Education",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
    },
    "studentReference": {"studentUniqueId": "1000000007"},
    "technicalSkillsAssessmentDescriptor": "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Passed",
}
CTE_PROGRAM = {
    "careerPathwayDescriptor": "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture",
    "cteProgramCompletionIndicator": True,
}
# By data standard: the version, the document, and the hashes that the ledger keeps of it.
PINNED: dict[tuple[int, int], Any] = {
    (3, 3): (
        1,
        FULL_DOCUMENT | {"ctePrograms": [CTE_PROGRAM]},
        "29ca214a84625c6bc038c9969f06ece1",
        "8e74c36bd0c07239ea25f51f43da2507",
    ),
    (5, 0): (1, FULL_DOCUMENT, "7573bb3644037a8b65bbebcf756cfd86", "f14f758a6bea3089201ed1a7968f55ca"),
}
PINNED_KEY = ("3f7776f9dfa93d3f1738840528697e98", "a5f3e10c70234b4e510147916b67aff1")


@pytest.mark.parametrize("standard", PINNED, ids=str)
def test_another_document_has_another_version(standard: tuple[int, int]):
    pathway = "uri://ed-fi.org/CareerPathwayDescriptor#Agriculture"
    assessment = "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Passed"
    record = replace(RECORD, career_pathway="AG", student_status="3", certification_status="passing")
    preferences = {
        "career_pathway": {"AG": pathway},
        "student_status": {"3": True},
        "certification_status": {"passing": assessment},
        "send_end_date": True,
    }
    made = Transform(ResourcePreferences.model_validate(preferences), 39141, standard).association(record)
    found = (DOCUMENT_VERSION, json.loads(made.body), made.payload_hash, made.content_hash)
    advice = (
        "Records that have not changed are made anew only where DOCUMENT_VERSION says that the document has: "
        "raise it, and pin the new document here."
    )
    assert found == PINNED[standard], advice
    assert (made.key_id, made.key_exact) == PINNED_KEY, advice


def test_an_upgrade_that_changes_documents_or_default_clusters_makes_every_record_anew(
    monkeypatch: pytest.MonkeyPatch,
):
    def fingerprint() -> str:
        return Transform(ResourcePreferences(), 39141, (3, 3)).fingerprint

    before = fingerprint()
    with monkeypatch.context() as patch:
        patch.setitem(settings.CAREER_CLUSTERS, "17", "Energy")
        assert fingerprint() != before
    monkeypatch.setattr(transform, "DOCUMENT_VERSION", DOCUMENT_VERSION + 1)
    assert fingerprint() != before


def test_the_winner_is_primary_then_partial_then_special_ed_then_the_highest_enrollment_id():
    def record(enrollment_id: int, service_type: str | None) -> EnrollmentRecord:
        return replace(RECORD, enrollment_id=enrollment_id, service_type=service_type)

    ranked = [record(3, "P"), record(1, "p"), record(9, "S"), record(8, "N"), record(99, None), record(5, "?")]
    remaining = list(reversed(ranked))
    order = []
    while remaining:
        best = winner(remaining)
        order.append(best.enrollment_id)
        remaining.remove(best)
    assert order == [3, 1, 9, 8, 99, 5]
