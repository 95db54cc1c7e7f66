"""POST, PUT, DELETE and GET of one item: statuses, headers, etags, replacement and keys."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.answers import DATA, SEE_VALIDATION, check, message, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

UNKNOWN_ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.proven("Postman ResponseTests: when_posting_a_resource, when_posting_an_existing_resource")
def test_post_is_an_upsert_by_natural_key(target: Target) -> None:
    first = target.post(association())
    second = target.post(association(nonTraditionalGenderStatus=False))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content == b""
    assert first.headers["Location"] == second.headers["Location"]
    assert first.headers["ETag"].startswith('"')
    assert first.headers["ETag"] != second.headers["ETag"]
    assert target.get(first.headers["Location"]).json()["nonTraditionalGenderStatus"] is False


@pytest.mark.proven("ODS DataManagementControllerBase.GetResourceUrl; DMS CreateResourcesValidation 28")
def test_location_ends_with_the_id(target: Target) -> None:
    location = target.created()
    identifier = location.rpartition("/")[2]
    shape = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" if target.dialect == "dms" else r"[0-9a-f]{32}"
    assert re.fullmatch(shape, identifier)
    assert target.get(location).json()["id"] == identifier


@pytest.mark.proven("ODS UpsertEntity: isModified; DMS UpdateResourcesValidation 23")
def test_an_unchanged_payload_changes_nothing(target: Target) -> None:
    first = target.post(association())
    before = target.get(first.headers["Location"])
    second = target.post(association())
    assert (second.status_code, second.headers["ETag"]) == (200, first.headers["ETag"])
    assert target.get(first.headers["Location"]).content == before.content


@pytest.mark.proven("ODS DataManagementControllerBase, Unquoted; DMS Resources/etag")
def test_the_etag_is_quoted_in_the_header_and_bare_in_the_body(target: Target) -> None:
    answer = target.get(target.created())
    tag = answer.json()["_etag"]
    assert answer.headers["ETag"] == f'"{tag}"'
    shape = r"\d+-[0-9a-f]{8}\.j\.(_|[0-9a-f]{8})\.[ln]\.[ibg]" if target.dialect == "dms" else r"\d{19}"
    assert re.fullmatch(shape, tag)


@pytest.mark.proven("ODS Resources.mustache: _lastModifiedDate from v6.0 on")
def test_the_date_of_the_last_change(target: Target) -> None:
    document = target.get(target.created()).json()
    assert ("_lastModifiedDate" in document) == (target.dialect != "5.3")
    if target.dialect != "5.3":
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", document["_lastModifiedDate"])


@pytest.mark.proven("Postman ResponseTests: when_putting_a_resource_with_no_etag; DMS UpdateResourcesValidation 02")
def test_put_replaces_the_whole_document(target: Target) -> None:
    location = target.created(association(privateCTEProgram=True, endDate="2019-12-20"))
    answer = target.put(location, association(cteProgramServices=None))
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["Location"] == location
    document = target.get(location).json()
    assert answer.headers["ETag"] == f'"{document["_etag"]}"'
    assert "privateCTEProgram" not in document
    assert "endDate" not in document
    assert document.get("cteProgramServices", []) == []


@pytest.mark.proven("ODS Resources.mustache: lists; DMS CreateResourcesValidation 29")
def test_empty_collections_are_listed_by_an_ods(target: Target) -> None:
    document = target.get(target.created(association(cteProgramServices=None))).json()
    if target.dialect == "dms":
        assert "cteProgramServices" not in document
    else:
        assert document["cteProgramServices"] == []


@pytest.mark.proven(
    "Postman ResponseTests: when_posting_a_resource_with_null_collection; DMS CreateResourcesValidation 11"
)
def test_null_is_the_same_as_left_out(target: Target) -> None:
    first = target.post(association())
    second = target.post({**association(), "endDate": None, "programParticipationStatuses": None})
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.proven("Postman ResponseTests: when_deleting_a_resource, when_deleting_a_resource_that_doesnt_exist")
def test_delete_and_delete_again(target: Target) -> None:
    location = target.created()
    answer = target.call("DELETE", location)
    assert (answer.status_code, answer.content) == (204, b"")
    assert target.call("DELETE", location).status_code == 404
    assert target.get(location).status_code == 404


@pytest.mark.proven("Postman ResponseTests: ReferenceLinkTests")
def test_references_carry_links_to_concrete_items(target: Target) -> None:
    document = target.get(target.created()).json()
    link = document["educationOrganizationReference"]["link"]
    assert link["rel"] == "LocalEducationAgency"
    assert link["href"].startswith("/ed-fi/localEducationAgencies/")
    student = document["studentReference"]["link"]
    assert target.get(student["href"]).json()["studentUniqueId"] == WORLD.student


@pytest.mark.proven("ODS Resources.mustache: link and _etag are read-only members")
def test_links_and_etags_may_be_sent_back(target: Target) -> None:
    location = target.created()
    document = target.get(location).json()
    assert target.put(location, document).status_code == 204
    assert target.get(location).json() == document


@pytest.mark.proven("ODS DescriptorsCache keys; DMS DescriptorCaseInsensitiveValidation")
def test_descriptors_are_matched_in_any_case_and_kept_as_stored(target: Target) -> None:
    shouted = association()
    shouted["programReference"] = {
        **shouted["programReference"],
        "programTypeDescriptor": WORLD.program_type.upper().replace("URI://", "uri://"),
    }
    location = target.created(shouted)
    document = target.get(location).json()
    assert document["programReference"]["programTypeDescriptor"] == WORLD.program_type
    assert target.post(association()).status_code == 200


@pytest.mark.proven("ODS SynchronizeCollectionTo matches items by their identity")
def test_the_order_of_a_collection_does_not_matter(target: Target) -> None:
    other = WORLD.service.rpartition("#")[0] + "#Information Technology"
    rows = [{"cteProgramServiceDescriptor": value} for value in (WORLD.service, other)]
    first = target.post(association(cteProgramServices=rows))
    second = target.post(association(cteProgramServices=rows[::-1]))
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.proven(
    "ODS EntityMapper.mustache: BackSynchedPrimaryKeyList (to 6.x), Key values … cannot be changed (7.0+); DMS "
    "UpdateResourcesValidation 05"
)
def test_a_changed_key_in_a_put(target: Target) -> None:
    """Up to 6.x it is silently kept and the rest is stored; from 7.0 on it is refused."""
    location = target.created()
    answer = target.put(location, association(beginDate="2019-09-01", privateCTEProgram=True))
    name = "StudentCTEProgramAssociation"
    kind = f"{DATA}:key-change-not-supported"
    if target.dialect in ("5.3", "6.2"):
        assert answer.status_code == 204
        document = target.get(location).json()
        assert (document["beginDate"], document["privateCTEProgram"]) == ("2019-08-23", True)
    elif target.dialect == "7.1":
        text = "Key values for this resource cannot be changed. Delete and recreate the resource item."
        check(answer, message(400, text), target.dialect)
    elif target.dialect == "7.3":
        text = f"Identifying values for the {name} data cannot be changed. Delete and recreate the item instead."
        check(answer, problem(400, kind, text), target.dialect)
    else:
        text = (
            f"Identifying values for the {name} resource cannot be changed. Delete and recreate the resource item "
            "instead."
        )
        check(answer, problem(400, kind, text, dms=True), target.dialect)


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ChangeQueries: Key Changes > StudentSchoolAssociations > Change Enrollment Date; DMS "
    "TrackedChangeKeyChangesByResource 05"
)
def test_a_student_school_association_may_change_its_key(target: Target) -> None:
    """It is one of the few resources that are marked as updatable."""
    assert target.control is not None
    (row, *_) = target.control.documents("studentSchoolAssociations")
    url = f"{target.data_url}/ed-fi/studentSchoolAssociations/{row['id']}"
    assert target.put(url, {**row, "entryDate": "2025-08-25"}).status_code == 204
    assert target.get(url).json()["entryDate"] == "2025-08-25"
    assert target.post(association()).status_code == 201


# Strictness


@pytest.mark.dialects("5.3", "7.3", "dms")
@pytest.mark.proven("Json.NET ignores case; DMS General/DataStrictnessValidation")
def test_property_names_in_another_case(target: Target) -> None:
    document = association(PRIVATECTEPROGRAM=True)
    stored = target.get(target.created(document)).json()
    assert ("privateCTEProgram" in stored) == (target.dialect != "dms")


@pytest.mark.proven("Json.NET ignores what it doesn't know; DMS CreateResourcesValidation 10")
def test_unknown_properties_are_dropped(target: Target) -> None:
    location = target.created(association(favoriteColor="green", _ext={"TX": {}}))
    assert "favoriteColor" not in target.get(location).json()


@pytest.mark.parametrize(("sent", "stored"), [("true", True), ("false", False)])
@pytest.mark.proven("Json.NET; DMS CreateResourcesValidation 12")
def test_booleans_in_quotes_are_understood(target: Target, sent: str, stored: bool) -> None:
    assert target.get(target.created(association(privateCTEProgram=sent))).json()["privateCTEProgram"] is stored


@pytest.mark.proven("Iso8601UtcDateOnlyConverter (inferred); DMS CreateResourcesValidation 34")
def test_dates_with_slashes_are_understood(target: Target) -> None:
    assert target.get(target.created(association(endDate="12/20/2019"))).json()["endDate"] == "2019-12-20"


@pytest.mark.dialects("dms")
@pytest.mark.parametrize("identifier", ["", "xyz", UNKNOWN_ID], ids=["blank", "no id", "another"])
@pytest.mark.proven("DMS UpdateResourcesValidation 08-10")
def test_dms_wants_the_id_in_the_body_of_a_put(target: Target, identifier: str) -> None:
    location = target.created()
    answer = target.call("PUT", location, association(id=identifier))
    see = "The request could not be processed. See 'errors' for details."
    expected = problem(400, "bad-request", see, "Request body id must match the id in the url.", dms=True)
    check(answer, expected, target.dialect)


@pytest.mark.dialects("dms")
@pytest.mark.proven("DMS UpdateResourcesValidation 07: a missing id is one of the validation errors")
def test_dms_misses_the_id_in_the_body_of_a_put(target: Target) -> None:
    answer = target.call("PUT", target.created(), association(beginDate=None))
    where = {"$.id": ["id is required."], "$.beginDate": ["beginDate is required."]}
    check(answer, problem(400, DATA, SEE_VALIDATION, where=where, dms=True), target.dialect)


@pytest.mark.dialects("5.3", "7.3")
@pytest.mark.proven("ODS DataManagementControllerBase.Put: request.Id = id")
def test_an_ods_ignores_the_id_in_the_body_of_a_put(target: Target) -> None:
    location = target.created()
    assert target.call("PUT", location, association(id="0" * 32)).status_code == 204


@pytest.mark.dialects("5.3", "6.2", "7.1")
@pytest.mark.needs_seeding
@pytest.mark.proven("Postman ResponseTests: when_posting_a_resource_with_partially_formed_optional_reference")
def test_a_partial_optional_reference(target: Target) -> None:
    """Up to 6.x it is left out without a word; from 7.0 on it is refused."""
    assert target.control is not None
    (row, *_) = target.control.documents("studentSchoolAssociations")
    document = {name: value for name, value in row.items() if name != "id" and not name.startswith("_")}
    document["graduationPlanReference"] = {"graduationSchoolYear": 2027}
    answer = target.post(document, "/ed-fi/studentSchoolAssociations")
    if target.dialect == "7.1":
        assert answer.status_code == 400
        assert "GraduationPlanReference is missing the following properties" in answer.json()["message"]
    else:
        assert answer.status_code == 200


# Dependents


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ResponseTests: when_deleting_a_resource_would_break_referential_integrity; DMS DeleteReferenceValidation"
)
def test_an_item_that_others_refer_to_cannot_be_deleted(target: Target) -> None:
    assert target.control is not None
    target.created()
    (row,) = target.control.documents("programs")
    answer = target.call("DELETE", f"/ed-fi/programs/{row['id']}")
    if target.dialect in ("5.3", "6.2", "7.1"):
        expected = message(
            409,
            "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of "
            "the 'GeneralStudentProgramAssociation' entity.",
        )
    elif target.dialect == "7.3":
        expected = problem(
            409,
            "data-conflict:dependent-item-exists",
            "The requested action cannot be performed because this item is referenced by an existing "
            "'GeneralStudentProgramAssociation' item.",
        )
    else:
        expected = problem(
            409,
            "data-conflict:dependent-item-exists",
            "The requested action cannot be performed because this item is referenced by existing "
            "StudentCTEProgramAssociation item(s).",
            dms=True,
        )
    check(answer, expected, target.dialect)
    (association_row,) = target.control.documents("studentCTEProgramAssociations")
    target.call("DELETE", f"{ASSOCIATIONS}/{association_row['id']}")
    assert target.call("DELETE", f"/ed-fi/programs/{row['id']}").status_code == 204


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ResponseTests: Delete CourseIdentificationSystemDescriptor with 409; DMS DeleteDescriptorsValidation"
)
def test_a_descriptor_in_use_cannot_be_deleted(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("full", "full", "Ed-Fi Sandbox", [WORLD.district])
    target.created()
    (row,) = (
        row
        for row in target.control.documents("cteProgramServiceDescriptors")
        if f"{row['namespace']}#{row['codeValue']}" == WORLD.service
    )
    url = f"/ed-fi/cteProgramServiceDescriptors/{row['id']}"
    assert target.call("DELETE", url, key="full").status_code == 409
    target.post(association(cteProgramServices=[]))
    assert target.call("DELETE", url, key="full").status_code == 204
    assert target.post(association()).status_code == 400
