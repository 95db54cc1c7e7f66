"""Who may do what: relationships, claim sets and namespaces."""

from __future__ import annotations

import pytest

from tests.sandbox.answers import DENIED, Answer, check, claims, message, must_grant, no_action, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

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


@pytest.mark.needs_seeding
def test_the_loaders_key_only_reads_descriptors(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    expected = no_action(target.dialect, "create", "systemDescriptors", "cteProgramServiceDescriptor")
    check(answer, expected, target.dialect)
    assert target.get("/ed-fi/cteProgramServiceDescriptors").status_code == 200


@pytest.mark.needs_seeding
def test_the_loaders_key_only_reads_organizations(target: Target) -> None:
    assert target.control is not None
    (row,) = target.control.documents("schools")
    answer = target.call("DELETE", f"/ed-fi/schools/{row['id']}")
    check(answer, no_action(target.dialect, "delete", "educationOrganizations", "school"), target.dialect)


@pytest.mark.needs_seeding
def test_a_key_without_the_resource(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("bare", "bare", "Bootstrap Descriptors", [WORLD.district])
    answer = target.get(ASSOCIATIONS, key="bare")
    domain, entity = "relationshipBasedData", "studentCTEProgramAssociation"
    if target.dialect in ("7.3", "dms"):
        kind = "security:authorization:access-denied:resource"
        sentence = must_grant("Bootstrap Descriptors", "read", domain, entity)
        expected = problem(403, kind, DENIED, sentence, dms=target.dialect == "dms")
    else:
        expected = message(
            403,
            "Access to the resource could not be authorized. Are you missing a claim? This resource can be "
            f"authorized by the following claims:\r\n\t{claims(domain, entity)}",
        )
    check(answer, expected, target.dialect)


@pytest.mark.needs_seeding
def test_descriptors_of_another_namespace_are_not_the_callers(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("full", "full", "Ed-Fi Sandbox", [WORLD.district])
    foreign = {**DESCRIPTOR, "namespace": "uri://state.example/CTEProgramServiceDescriptor"}
    own = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors", key="full")
    other = target.post(foreign, "/ed-fi/cteProgramServiceDescriptors", key="full")
    assert own.status_code == 201
    if target.dialect in ("7.3", "dms"):
        expected = problem(
            403,
            "security:authorization:namespace:access-denied:namespace-mismatch",
            DENIED,
            "The 'Namespace' value of the resource does not start with any of the caller's associated namespace "
            "prefixes ('uri://ed-fi.org').",
            dms=target.dialect == "dms",
        )
        check(other, expected, target.dialect)
    else:
        assert other.status_code == 403


@pytest.mark.dialects("6.2", "7.1", "7.3", "dms")
@pytest.mark.needs_seeding
@pytest.mark.parametrize(
    ("ids", "listed"),
    [([1, 2], "1, 2"), ([1, 2, 3, 4, 5], "1, 2, 3, 4, 5"), ([1, 2, 3, 4, 5, 6], "1, 2, 3, 4, 5, ...")],
    ids=["two", "five", "six"],
)
def test_several_organizations_are_listed_up_to_five(target: Target, ids: list[int], listed: str) -> None:
    assert target.control is not None
    target.control.add_client("several", "several", education_organizations=ids)
    answer = target.post(association(), key="several")
    assert f"education organization id claims ({listed}) and one or more of the following" in answer.text


@pytest.mark.dialects("dms")
@pytest.mark.needs_seeding
def test_dms_forbids_in_its_own_content_type(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    assert answer.headers["Content-Type"] == "application/problem+json"
