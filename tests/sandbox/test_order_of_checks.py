"""Which of two faults is told: authorization, validation, references and etags, in each dialect's order."""

from __future__ import annotations

import pytest

from tests.sandbox.target import WORLD, Target, association, with_second_district

ENROLLMENTS = "/ed-fi/studentSchoolAssociations"
NOT_ENROLLED = {"studentUniqueId": WORLD.student_without_enrollment}


@pytest.mark.proven(
    "ODS to 7.1: CreateEntityAuthorizationDecorator before CreateEntity.ValidateEntity; 7.2+: "
    "ValidateResourceModel first; DMS ApiService.CreateUpsertPipeline"
)
@pytest.mark.parametrize("fault", ["length", "required", "markup", "whitespace"])
def test_authorization_before_the_entitys_validation_up_to_7_1(target: Target, fault: str) -> None:
    document = association(studentReference=NOT_ENROLLED)
    if fault == "required":
        del document["beginDate"]
    else:
        name = {"length": "x" * 65, "markup": "a<b", "whitespace": " x"}[fault]
        document["programReference"] = {**document["programReference"], "programName": name}
    answer = target.post(document)
    early = target.dialect in ("7.3", "dms") and (target.dialect, fault) != (
        "dms",
        "markup",
    )  # which is no fault there
    assert answer.status_code == (400 if early else 403), answer.text


@pytest.mark.proven("ODS v7.1 RequiredReferenceAttribute and NoDuplicateMembersAttribute stand on the resource")
def test_a_missing_reference_comes_before_authorization_from_7_1_on(target: Target) -> None:
    answer = target.post(association(studentReference=NOT_ENROLLED, programReference=None))
    assert answer.status_code == (403 if target.dialect in ("5.3", "6.2") else 400)


@pytest.mark.proven("ODS NoDuplicateMembersAttribute stands on the resource in every version")
def test_a_doubled_item_comes_before_authorization(target: Target) -> None:
    services = [{"cteProgramServiceDescriptor": WORLD.service}] * 2
    answer = target.post(association(studentReference=NOT_ENROLLED, cteProgramServices=services))
    assert answer.status_code == 400


@pytest.mark.proven(
    "ODS DescriptorLookup while mapping (to 7.1), DescriptorExistsAttribute (7.2+); DMS "
    "DefaultRelationalWriteExecutor: descriptor failures before authorization"
)
def test_an_unknown_descriptor_comes_before_authorization(target: Target) -> None:
    fake = "uri://ed-fi.org/ReasonExitedDescriptor#Fake"
    answer = target.post(association(studentReference=NOT_ENROLLED, reasonExitedDescriptor=fake))
    assert answer.status_code == 400


@pytest.mark.proven(
    "ODS: foreign keys are the database's; DMS DefaultRelationalWriteExecutor: missing references are deferred"
)
def test_authorization_before_an_unresolved_reference(target: Target) -> None:
    document = association(studentReference=NOT_ENROLLED)
    document["programReference"] = {**document["programReference"], "programName": "No Such Program"}
    assert target.post(document).status_code == 403


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS UpsertEntity: the lock is looked at before UpdateEntity validates (to 7.1); 7.2+: validation first"
)
def test_a_stale_etag_and_an_invalid_document(target: Target) -> None:
    document = association()
    document["programReference"] = {**document["programReference"], "programName": "x" * 65}
    answer = target.put(target.created(), document, headers={"If-Match": '"1"'})
    assert answer.status_code == (412 if target.dialect in ("5.3", "6.2", "7.1") else 400)


@pytest.mark.needs_seeding
@pytest.mark.proven("Postman AuthorizationTests (7.1): KeyChanges > Update Key to Unauthorized Target; DMS 32")
def test_a_key_is_not_changed_to_what_is_out_of_reach(target: Target) -> None:
    assert target.control is not None
    with_second_district(target)
    (school,) = target.control.documents("schools")
    elsewhere = {**school, "schoolId": 399991, "localEducationAgencyReference": {"localEducationAgencyId": 39999}}
    target.control.put("schools", elsewhere)
    (row, *_) = target.control.documents("studentSchoolAssociations")
    url = f"{target.data_url}{ENROLLMENTS}/{row['id']}"
    assert target.put(url, {**row, "schoolReference": {"schoolId": 399991}}).status_code == 403
    assert target.get(url).json()["schoolReference"]["schoolId"] == WORLD.school
