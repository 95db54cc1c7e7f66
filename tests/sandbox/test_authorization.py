"""Who may do what: relationships, claim sets and namespaces."""

from __future__ import annotations

import pytest

from tests.sandbox.answers import DENIED, Answer, check, claims, message, must_grant, no_action, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association, with_second_district

HINT = " Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."
ACCESS = "Access to the resource item could not be authorized because the"
ENROLLMENTS = "/ed-fi/studentSchoolAssociations"
ENROLLMENT = {
    "entryDate": "2025-08-18",
    "schoolReference": {"schoolId": WORLD.school},
    "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Eleventh grade",
}
NOBODY = {"studentUniqueId": "no-such-student"}
NOT_ENROLLED = {"studentUniqueId": WORLD.student_without_enrollment}
BOTH = "one or more of the following properties of the resource item: 'EducationOrganizationId', 'StudentUniqueId'"
GENERIC_5_3 = (
    "Authorization denied.  The claim does not have any established relationships with the requested resource."
)


def no_relationship(target: Target, subject: str, hint: str = HINT, claims: str = "") -> Answer:
    """The answer to a caller whose claims (default: the loader's) have no relationship with a subject."""
    if target.dialect == "5.3":
        return message(403, GENERIC_5_3)
    own = f"claim ('{WORLD.district}')" if target.dialect == "dms" else f"claim ({WORLD.district})"
    sentence = (
        "No relationships have been established between the caller's education organization id "
        f"{claims or own} and {subject}."
    )
    if target.dialect in ("6.2", "7.1"):
        return message(403, f"Authorization denied. {sentence}")
    return problem(403, "security:authorization", DENIED + hint, sentence, dms=target.dialect == "dms")


def required_element(values: str, names: str = "", hint: str = HINT) -> Answer:
    """The Data Management Service's answer where what authorization asks for isn't there."""
    kind = "security:authorization:relationships:access-denied:element-required"
    return problem(403, kind, f"{DENIED} The {values} for authorization purposes{names}.{hint}", dms=True)


@pytest.mark.proven(
    "ODS v5.3 AuthorizationSegmentsVerifier, v6.2 GetAuthorizationFailureMessage, v7.1 EntityAuthorizer; Postman "
    "AuthorizationTests: When_associating_a_student_not_related_to_vendors_leas; DMS "
    "RelationshipsWithEdOrgsAndPeople 41"
)
def test_an_association_before_the_enrollment_is_refused(target: Target) -> None:
    answer = target.post(association(studentReference=NOT_ENROLLED))
    check(answer, no_relationship(target, "the resource item's 'StudentUniqueId' value"), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven("DMS RelationshipsWithEdOrgsAndPeople 34 and 35")
def test_the_refusal_ends_with_the_enrollment_and_returns_without_it(target: Target) -> None:
    document = association(studentReference=NOT_ENROLLED)
    assert target.post(document).status_code == 403
    enrollment = target.post({**ENROLLMENT, "studentReference": NOT_ENROLLED}, ENROLLMENTS)
    assert enrollment.status_code == 201
    created = target.post(document)
    assert created.status_code == 201
    assert target.call("DELETE", enrollment.headers["Location"]).status_code == 204
    assert target.get(created.headers["Location"]).status_code == 403
    assert target.put(created.headers["Location"], document).status_code == 403
    assert target.call("DELETE", created.headers["Location"]).status_code == 403


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS v6.2 GetAuthorizationFailureMessage: all that the database is asked about; DMS SelectCase, "
    "IsSelectedFailureKind: that which failed"
)
def test_a_school_as_the_organization(target: Target) -> None:
    answer = target.post(
        association(
            educationOrganizationReference={"educationOrganizationId": WORLD.school}, studentReference=NOT_ENROLLED
        )
    )
    subject = "the resource item's 'StudentUniqueId' value" if target.dialect == "dms" else BOTH
    check(answer, no_relationship(target, subject), target.dialect)


@pytest.mark.proven(
    "ODS v5.3 AuthorizationSegmentSqlProviderBase, v6.2 and v7.1 "
    "RelationshipsAuthorizationStrategyFilterDefinitions-Factory.AuthorizeInstance; Postman ResponseTests (7.3): "
    "api_should_fail_with_403_forbidden; DMS RelationshipsWithEdOrgsAndPeople 32 and 39"
)
def test_a_student_that_does_not_exist(target: Target) -> None:
    answer = target.post(association(studentReference=NOBODY))
    expected = {
        "5.3": message(403, f"{ACCESS} 'StudentUSI' of the resource is empty."),
        "6.2": message(409, f"{ACCESS} 'Student' was not found."),
        "7.1": message(
            403,
            "Authorization denied. Either referenced 'Student' was not found or no relationships have been "
            f"established between the caller's education organization id claims ({WORLD.district}) and the "
            "referenced 'Student'.",
        ),
        "7.3": no_relationship(target, "the resource item's 'StudentUniqueId' value"),
        "dms": required_element("'StudentUniqueId' value is required"),
    }
    check(answer, expected[target.dialect], target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS RequiredWithNonDefaultAttribute (v5.3 and v6.2: a failed validation; v7.1: a conflict); Postman "
    "ResponseTests (7.3): Reference to non-existing Person; DMS CreateReferenceValidation 02"
)
def test_an_enrollment_of_a_student_that_does_not_exist(target: Target) -> None:
    answer = target.post({**ENROLLMENT, "studentReference": NOBODY}, ENROLLMENTS)
    invalid = message(
        400, "Validation of 'StudentSchoolAssociation' failed.\n\tStudent reference could not be resolved.\n"
    )
    kind = "data-conflict:unresolved-reference"
    expected = {
        "5.3": invalid,
        "6.2": invalid,
        "7.1": message(409, f"{ACCESS} 'Student' was not found."),
        "7.3": problem(409, kind, "The referenced 'Student' item does not exist."),
        "dms": problem(
            409,
            kind,
            "One or more references could not be resolved. See 'validationErrors' for details.",
            where={"$.studentReference": ["The referenced Student item does not exist."]},
            dms=True,
        ),
    }
    check(answer, expected[target.dialect], target.dialect)


@pytest.mark.proven(
    "Postman AuthorizationTests: v5.3 When_creating_a_program_not_related_to_vendors_lea_should_fail_with_404, "
    "v6.2 and later When_creating_a_program_with_a_non_existing_education_organization_id; v5.3 "
    "ConcreteAuthorizationContext-DataProvider; DMS RelationshipAuthorizationProblemDetails"
)
@pytest.mark.parametrize("path", ["/ed-fi/programs", ASSOCIATIONS], ids=["program", "association"])
def test_an_organization_that_does_not_exist(target: Target, path: str) -> None:
    nowhere = {"educationOrganizationId": 99999999}
    if path == ASSOCIATIONS:
        answer = target.post(association(educationOrganizationReference=nowhere))
    else:
        document = {"programName": WORLD.program, "programTypeDescriptor": WORLD.program_type}
        answer = target.post({**document, "educationOrganizationReference": nowhere}, path)
    one = "the resource item's 'EducationOrganizationId' value"
    unknown = message(404, "Education Organization with an identifier of '99999999' could not be found.")
    if target.dialect == "5.3":
        expected = unknown
    elif target.dialect == "dms":
        expected = required_element("'EducationOrganizationId' value is required", hint="")
    elif path == ASSOCIATIONS:
        expected = no_relationship(target, BOTH)
    else:
        expected = no_relationship(target, one, hint="")
    check(answer, expected, target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS v5.3 RelationshipsAuthorizationStrategyBase, PerformInlineClaimsAuthorizations; Postman "
    "AuthorizationTests: When_creating_a_program_with_an_unrelated_education_organization"
)
def test_a_district_that_is_not_the_callers(target: Target) -> None:
    with_second_district(target)
    answer = target.post(association(educationOrganizationReference={"educationOrganizationId": 39999}))
    if target.dialect == "5.3":
        text = "Authorization denied.  Access to the requested 'LocalEducationAgencyId' was denied."
        check(answer, message(403, text), target.dialect)
    elif target.dialect == "dms":
        expected = no_relationship(target, "the resource item's 'EducationOrganizationId' value", hint="")
        check(answer, expected, target.dialect)
    else:
        check(answer, no_relationship(target, BOTH), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS v5.3 RelationshipsAuthorizationStrategyBase: inaccessibleIdentifierNames")
def test_a_key_of_a_school_for_its_district(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("school", "school", education_organizations=[WORLD.school])
    answer = target.post(association(), key="school")
    claim = f"claim ('{WORLD.school}')" if target.dialect == "dms" else f"claim ({WORLD.school})"
    if target.dialect == "5.3":
        text = (
            "Authorization denied.  The claims associated with an identifier of 'SchoolId' cannot be used to "
            "authorize a request associated with an identifier of 'LocalEducationAgencyId'."
        )
        check(answer, message(403, text), target.dialect)
    elif target.dialect == "dms":
        one = "the resource item's 'EducationOrganizationId' value"
        check(answer, no_relationship(target, one, "", claim), target.dialect)
    else:
        check(answer, no_relationship(target, BOTH, claims=claim), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS v5.3 AuthorizationBuilder, v6.2 GetClaimEndpointValuesText; DMS "
    "RelationshipsWithEdOrgsOnlyQueryAuthorization (claims (none))"
)
def test_a_key_without_organizations(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("nobody", "nobody", education_organizations=[])
    answer = target.post(association(), key="nobody")
    if target.dialect == "5.3":
        text = "The request can not be authorized because there were no education organizations on the claim."
        check(answer, message(403, text), target.dialect)
    else:
        check(answer, no_relationship(target, BOTH, claims="claims (none)"), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS 0002-ResourceClaimMetadata: people, Create without further authorization; DMS "
    "RelationshipsWithEdOrgsAndPeople 10, 12 and 16"
)
def test_a_new_student_cannot_be_read_before_the_enrollment(target: Target) -> None:
    student = {"studentUniqueId": "new-one", "firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
    created = target.post(student, "/ed-fi/students")
    assert created.status_code == 201
    assert target.get(created.headers["Location"]).status_code == 403
    assert target.get("/ed-fi/students", studentUniqueId="new-one").json() == []
    assert target.post(student, "/ed-fi/students").status_code == 403
    assert target.call("DELETE", created.headers["Location"]).status_code == 204


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "DMS RelationshipsWithEdOrgsAndPeople 05 and 25; ODS 0002-ResourceClaimMetadata: educationOrganizations, "
    "Read without further authorization"
)
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
@pytest.mark.proven(
    "ODS 0002-ResourceClaimMetadata: SIS Vendor, Read of systemDescriptors; v7.3 "
    "SecurityAuthorizationException, access-denied:action"
)
def test_the_loaders_key_only_reads_descriptors(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    expected = no_action(target.dialect, "create", "systemDescriptors", "cteProgramServiceDescriptor")
    check(answer, expected, target.dialect)
    assert target.get("/ed-fi/cteProgramServiceDescriptors").status_code == 200


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS 0002-ResourceClaimMetadata: SIS Vendor, Read of educationOrganizations")
def test_the_loaders_key_only_reads_organizations(target: Target) -> None:
    assert target.control is not None
    (row,) = target.control.documents("schools")
    answer = target.call("DELETE", f"/ed-fi/schools/{row['id']}")
    check(answer, no_action(target.dialect, "delete", "educationOrganizations", "school"), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS AuthorizationBasisMetadataSelector: Are you missing a claim (to 7.1), access-denied:resource (7.2+)"
)
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
@pytest.mark.proven("ODS NamespaceBasedAuthorizationFilterDefinitionsFactory; DMS NamespaceAuthorization")
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
@pytest.mark.proven(
    "Postman AuthorizationTests (7.3): … using_API_client_with_many_EdOrgIds; ODS v6.2 "
    "GetClaimEndpointValuesText; DMS FormatClaimEducationOrganizationIds"
)
def test_several_organizations_are_listed_up_to_five(target: Target, ids: list[int], listed: str) -> None:
    assert target.control is not None
    target.control.add_client("several", "several", education_organizations=ids)
    answer = target.post(association(), key="several")
    if target.dialect == "dms":
        listed = ", ".join(f"'{part}'" if part != "..." else part for part in listed.split(", "))
    named = "the resource item's" if target.dialect == "dms" else "one or more of the following"
    assert f"education organization id claims ({listed}) and {named}" in answer.text or target.dialect == "dms"


@pytest.mark.dialects("dms")
@pytest.mark.needs_seeding
@pytest.mark.proven("DMS UpsertHandler: application/problem+json")
def test_dms_forbids_in_its_own_content_type(target: Target) -> None:
    answer = target.post(DESCRIPTOR, "/ed-fi/cteProgramServiceDescriptors")
    assert answer.headers["Content-Type"] == "application/problem+json"
