"""Who may do what: relationships, claim sets and namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.answers import Answer, check, message, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

DENIED = "Access to the requested data could not be authorized."
HINT = " Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."
ENROLLMENT = {
    "entryDate": "2025-08-18",
    "schoolReference": {"schoolId": WORLD.school},
    "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Eleventh grade",
}


def no_relationship(target: Target, subject: str, hint: str = HINT) -> Answer:
    claims = f"claim ({WORLD.district})"
    if target.dialect == "5.3":
        return message(
            403,
            "Authorization denied.  The claim does not have any established relationships with the requested "
            "resource.",
        )
    sentence = (
        f"No relationships have been established between the caller's education organization id {claims} and "
        f"{subject}."
    )
    if target.dialect in ("6.2", "7.1"):
        return message(403, f"Authorization denied. {sentence}")
    return problem(403, "security:authorization", DENIED + hint, sentence, dms=target.dialect == "dms")


def test_an_association_before_the_enrollment_is_refused(target: Target) -> None:
    answer = target.post(association(studentReference={"studentUniqueId": WORLD.student_without_enrollment}))
    check(answer, no_relationship(target, "the resource item's 'StudentUniqueId' value"), target.dialect)


@pytest.mark.needs_seeding
def test_the_refusal_ends_with_the_enrollment_and_returns_without_it(target: Target) -> None:
    student = {"studentUniqueId": WORLD.student_without_enrollment}
    document = association(studentReference=student)
    assert target.post(document).status_code == 403
    enrollment = target.post({**ENROLLMENT, "studentReference": student}, "/ed-fi/studentSchoolAssociations")
    assert enrollment.status_code == 201
    created = target.post(document)
    assert created.status_code == 201
    assert target.call("DELETE", enrollment.headers["Location"]).status_code == 204
    assert target.get(created.headers["Location"]).status_code == 403
    assert target.put(created.headers["Location"], document).status_code == 403
    assert target.call("DELETE", created.headers["Location"]).status_code == 403


@pytest.mark.needs_seeding
def test_a_school_as_the_organization_names_both_values(target: Target) -> None:
    answer = target.post(
        association(
            educationOrganizationReference={"educationOrganizationId": WORLD.school},
            studentReference={"studentUniqueId": WORLD.student_without_enrollment},
        )
    )
    subject = (
        "one or more of the following properties of the resource item: 'EducationOrganizationId', 'StudentUniqueId'"
    )
    check(answer, no_relationship(target, subject), target.dialect)


def test_a_student_that_does_not_exist(target: Target) -> None:
    answer = target.post(association(studentReference={"studentUniqueId": "no-such-student"}))
    access = "Access to the resource item could not be authorized because the"
    expected = {
        "5.3": message(403, f"{access} 'StudentUSI' of the resource is empty."),
        "6.2": message(409, f"{access} 'Student' was not found."),
        "7.1": message(409, f"{access} 'Student' was not found."),
        "7.3": no_relationship(target, "the resource item's 'StudentUniqueId' value"),
        "dms": problem(
            409,
            "data-conflict:unresolved-reference",
            "One or more references could not be resolved. See 'validationErrors' for details.",
            where={"$.studentReference": ["The referenced Student item does not exist."]},
            dms=True,
        ),
    }
    check(answer, expected[target.dialect], target.dialect)


@pytest.mark.needs_seeding
def test_an_enrollment_of_a_student_that_does_not_exist_is_an_unresolved_reference(target: Target) -> None:
    document = {**ENROLLMENT, "studentReference": {"studentUniqueId": "no-such-student"}}
    assert target.post(document, "/ed-fi/studentSchoolAssociations").status_code == 409


@pytest.mark.dialects("5.3", "6.2", "7.1", "7.3")
def test_a_program_of_an_organization_that_does_not_exist_is_forbidden(target: Target) -> None:
    document = {
        "educationOrganizationReference": {"educationOrganizationId": 99999999},
        "programName": WORLD.program,
        "programTypeDescriptor": WORLD.program_type,
    }
    answer = target.post(document, "/ed-fi/programs")
    subject = "the resource item's 'EducationOrganizationId' value"
    check(answer, no_relationship(target, subject, hint=""), target.dialect)


def test_v5_forbids_before_it_validates(target: Target) -> None:
    document = association(studentReference={"studentUniqueId": WORLD.student_without_enrollment})
    document["programReference"] = {**document["programReference"], "programName": "x" * 65}
    assert target.post(document).status_code == (403 if target.dialect == "5.3" else 400)


@pytest.mark.needs_seeding
def test_a_new_student_cannot_be_read_before_the_enrollment(target: Target) -> None:
    student = {"studentUniqueId": "new-one", "firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
    created = target.post(student, "/ed-fi/students")
    assert created.status_code == 201
    assert target.get(created.headers["Location"]).status_code == 403
    assert target.get("/ed-fi/students", studentUniqueId="new-one").json() == []
    assert target.post(student, "/ed-fi/students").status_code == 403
    assert target.call("DELETE", created.headers["Location"]).status_code == 204


@pytest.mark.needs_seeding
def test_a_collection_shows_only_what_the_caller_may_see(target: Target) -> None:
    assert target.control is not None
    target.created()
    target.control.add_client("elsewhere", "elsewhere", education_organizations=[1])
    assert len(target.get(ASSOCIATIONS).json()) == 1
    answer = target.get(ASSOCIATIONS, key="elsewhere", totalCount="true")
    assert (answer.status_code, answer.json(), answer.headers["Total-Count"]) == (200, [], "0")
    assert target.get("/ed-fi/programs", key="elsewhere").json() == []
    assert target.get("/ed-fi/localEducationAgencies", key="elsewhere").json() != []


DESCRIPTOR = {
    "namespace": "uri://ed-fi.org/CTEProgramServiceDescriptor",
    "codeValue": "New",
    "shortDescription": "New",
}


def claims(domain: str, entity: str) -> str:
    root = "http://ed-fi.org/ods/identity/claims"
    return f"'{root}/{entity}', '{root}/domains/{domain}'"


def no_action(target: Target, action: str, domain: str, entity: str) -> Answer:
    if target.dialect in ("5.3", "6.2", "7.1"):
        verb = action[:1].upper() + action[1:]
        text = f"Access to the resource could not be authorized for the requested action '{verb}'."
        return message(403, text)
    sentence = (
        "The API client's assigned claim set (currently 'SIS Vendor') must grant permission of the "
        f"'http://ed-fi.org/ods/actions/{action}' action on one of the following resource claims: "
        f"{claims(domain, entity)}"
    )
    dms = target.dialect == "dms"
    return problem(403, "security:authorization:access-denied:action", DENIED, sentence, dms=dms)


@pytest.mark.needs_seeding
def test_the_loaders_key_only_reads_descriptors(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    expected = no_action(target, "create", "systemDescriptors", "cteProgramServiceDescriptor")
    check(answer, expected, target.dialect)
    assert target.get("/ed-fi/cteProgramServiceDescriptors").status_code == 200


@pytest.mark.needs_seeding
def test_the_loaders_key_only_reads_organizations(target: Target) -> None:
    assert target.control is not None
    (row,) = target.control.documents("schools")
    answer = target.call("DELETE", f"/ed-fi/schools/{row['id']}")
    check(answer, no_action(target, "delete", "educationOrganizations", "school"), target.dialect)


@pytest.mark.needs_seeding
def test_a_key_without_the_resource(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("bare", "bare", "Bootstrap Descriptors", [WORLD.district])
    answer = target.get(ASSOCIATIONS, key="bare")
    assert answer.status_code == 403
    body: dict[str, Any] = answer.json()
    if target.dialect in ("7.3", "dms"):
        assert body["type"] == "urn:ed-fi:api:security:authorization:access-denied:resource"
    else:
        assert "Are you missing a claim?" in body["message"]


@pytest.mark.needs_seeding
def test_descriptors_of_another_namespace_are_not_the_callers(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("full", "full", "Ed-Fi Sandbox", [WORLD.district])
    foreign = {**DESCRIPTOR, "namespace": "uri://state.example/CTEProgramServiceDescriptor"}
    own = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors", key="full")
    other = target.post(foreign, "/ed-fi/cteProgramServiceDescriptors", key="full")
    assert (own.status_code, other.status_code) == (201, 403)
    if target.dialect == "7.3":
        assert other.json()["type"].endswith(":namespace:access-denied:namespace-mismatch")


@pytest.mark.dialects("dms")
@pytest.mark.needs_seeding
def test_dms_forbids_in_its_own_content_type(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    assert answer.headers["Content-Type"] == "application/problem+json"
