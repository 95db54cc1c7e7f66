"""Change queries: versions that bound a collection, deletes, key changes, and who may read them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.answers import Answer, check, message, no_action, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

NAME = "studentCTEProgramAssociation"
PARAMETERS = "bad-request:parameter-validation-failed"
ENROLLMENTS = "/ed-fi/studentSchoolAssociations"
STUDENTS = "/ed-fi/students"
PERSON = {"firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
WITH_KEYS = ("6.2", "7.1", "7.3", "dms")
SUPPLIED = "Parameters supplied to the request were invalid."


def newest(target: Target) -> int:
    document = target.get(f"{target.change_queries_url}/availableChangeVersions").json()
    return int({name.lower(): value for name, value in document.items()}["newestchangeversion"])


def dates(target: Target, **parameters: Any) -> list[str]:
    rows = target.get(ASSOCIATIONS, studentUniqueId=WORLD.student, **parameters).json()
    return [row["beginDate"] for row in rows if row["beginDate"].startswith("2019-")]


def reader(target: Target, organization: int = WORLD.district) -> str:
    """A key that may read changes in the reach of an organization."""
    assert target.control is not None
    key = f"reader-{organization}"
    target.control.add_client(key, key, "Ed-Fi Sandbox", [organization])
    return key


def gone(target: Target, document: dict[str, Any], path: str = ASSOCIATIONS, key: str = "") -> str:
    """Posts a document and deletes it; its id."""
    location = target.created(document, path, key=key)
    assert target.call("DELETE", location, key=key).status_code == 204
    return location.rpartition("/")[2]


def deletes(target: Target, path: str = ASSOCIATIONS, key: str = "", **parameters: Any) -> list[dict[str, Any]]:
    answer = target.get(f"{path}/deletes", key=key, **parameters)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


# Versions


@pytest.mark.proven(
    "Postman ChangeQueries: Get AvailableChangeVersions; v5.3 AvailableChangeVersion, serialized as is"
)
def test_available_change_versions(target: Target) -> None:
    document = target.get(f"{target.change_queries_url}/availableChangeVersions").json()
    if target.dialect == "5.3":
        assert set(document) == {"OldestChangeVersion", "NewestChangeVersion"}
    else:
        assert set(document) == {"oldestChangeVersion", "newestChangeVersion"}
    assert min(document.values()) == 0


@pytest.mark.proven("DMS LiveResourceChangeVersionFilter 01-03; ODS GetEntitiesBySpecification: both bounds included")
def test_change_versions_bound_a_collection(target: Target) -> None:
    before = newest(target)
    target.created(association(beginDate="2019-08-01"))
    between = newest(target)
    target.created(association(beginDate="2019-08-02"))
    assert dates(target, minChangeVersion=before + 1) == ["2019-08-01", "2019-08-02"]
    assert dates(target, minChangeVersion=before + 1, maxChangeVersion=between) == ["2019-08-01"]
    assert dates(target, minChangeVersion=between, maxChangeVersion=between) == ["2019-08-01"]
    target.post(association(beginDate="2019-08-01", privateCTEProgram=True))
    assert sorted(dates(target, minChangeVersion=between + 1)) == ["2019-08-01", "2019-08-02"]


@pytest.mark.proven("DMS ChangeVersionParameterValidator; ODS UrlQueryParametersRequest binds any long, asks nothing")
@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"minChangeVersion": -1}, "MinChangeVersion must be a numeric value greater than or equal to 0."),
        (
            {"minChangeVersion": 9, "maxChangeVersion": 8},
            "MinChangeVersion must be less than or equal to MaxChangeVersion.",
        ),
    ],
    ids=["below zero", "crossed"],
)
def test_bounds_that_make_no_sense_are_refused_by_dms_alone(
    target: Target, bounds: dict[str, int], told: str
) -> None:
    answer = target.get(ASSOCIATIONS, **bounds)
    if target.dialect == "dms":
        check(answer, problem(400, PARAMETERS, SUPPLIED, told, dms=True), target.dialect)
    else:
        assert answer.status_code == 200


@pytest.mark.dialects("dms")
@pytest.mark.proven("DMS CURSOR-PAGING.md: a request with maxChangeVersion may return a full page without a token")
def test_a_bounded_window_starts_no_cursor_but_partitions_do(target: Target) -> None:
    before = newest(target)
    target.created(association(beginDate="2019-08-02"))
    target.created(association(beginDate="2019-08-01"))
    window = {"minChangeVersion": before + 1, "maxChangeVersion": newest(target)}
    assert "Next-Page-Token" not in target.get(ASSOCIATIONS, limit=1, **window).headers
    assert dates(target, **window) == ["2019-08-02", "2019-08-01"]
    (token,) = target.get(f"{ASSOCIATIONS}/partitions", **window).json()["pageTokens"]
    assert dates(target, pageToken=token, pageSize=1, **window) == ["2019-08-02"]


@pytest.mark.proven(
    "ODS triggers and NHibernate's dirty check; DMS etag.feature: an unchanged document is not stamped"
)
def test_an_unchanged_write_keeps_the_change_version(target: Target) -> None:
    target.created()
    before = newest(target)
    target.post(association())
    assert newest(target) == before


# Deletes


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS 1085-AddReadChangesAction and Changes/0040: ReadChanges for Ed-Fi Sandbox and the Publisher's reader "
    "only; v5.3 DeletesController asks for no claim"
)
def test_the_loaders_key_may_not_read_deletes(target: Target) -> None:
    for parameters in ({}, {"limit": 0, "totalCount": "true"}):
        answer = target.get(f"{ASSOCIATIONS}/deletes", **parameters)
        if target.dialect == "5.3":
            assert answer.status_code == 200
        else:
            check(answer, no_action(target.dialect, "readChanges", "relationshipBasedData", NAME), target.dialect)


@pytest.mark.proven("ODS DataManagementControllerBase.GetAll: limit 0 with totalCount answers the count alone")
def test_the_loaders_key_may_count_what_is_there(target: Target) -> None:
    def count() -> int:
        answer = target.get(ASSOCIATIONS, limit=0, totalCount="true")
        assert answer.json() == []
        return int(answer.headers["Total-Count"])

    before = count()
    location = target.created()
    assert count() == before + 1
    target.call("DELETE", location)
    assert count() == before


@pytest.mark.needs_seeding
@pytest.mark.proven("Postman ChangeQueries: Deletes > Derived Resource (Multiple Key Columns); v5: ODS-4087")
def test_deletes_carry_the_key_from_6_0_on(target: Target) -> None:
    key = reader(target)
    identifier = gone(target, association())
    answer = target.get(f"{ASSOCIATIONS}/deletes", key=key, totalCount="true")
    if target.dialect == "5.3":
        # Deletes of derived resources are never captured.
        assert answer.json() == []
        return
    (row,) = answer.json()
    assert answer.headers["Total-Count"] == "1"
    assert row["id"] == identifier
    assert row["changeVersion"] == newest(target)
    assert row["keyValues"] == {
        "beginDate": "2019-08-23",
        "educationOrganizationId": WORLD.district,
        "programEducationOrganizationId": WORLD.district,
        "programName": WORLD.program,
        "programTypeDescriptor": WORLD.program_type,
        "studentUniqueId": WORLD.student,
    }


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS DeletedItemsQueryBuilderFactory; DMS TrackedChangeEndpoints 12, TrackedChangeDeletesByResource 08"
)
def test_what_was_created_anew_is_not_listed_and_what_is_gone_again_twice(target: Target) -> None:
    key = reader(target)
    gone(target, association())
    location = target.created()
    assert deletes(target, key=key) == []
    target.call("DELETE", location)
    assert len(deletes(target, key=key)) == 2


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.needs_seeding
@pytest.mark.proven("Postman ChangeQueries: Get Deleted … Count; DMS TrackedChangeEndpoints 10: windows and pages")
def test_deletes_come_in_the_order_of_the_changes_by_window_and_page(target: Target) -> None:
    key = reader(target)
    ids = [gone(target, association(beginDate=f"2019-08-{day:02d}")) for day in (9, 3, 6)]
    versions = [row["changeVersion"] for row in deletes(target, key=key)]
    assert [row["id"] for row in deletes(target, key=key)] == ids
    assert versions == sorted(versions)
    window = {"minChangeVersion": versions[1], "maxChangeVersion": versions[2]}
    assert [row["id"] for row in deletes(target, key=key, **window)] == ids[1:]
    assert [row["id"] for row in deletes(target, key=key, offset=1, limit=1)] == [ids[1]]


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "DMS TrackedChangeAuthorization 01 and 10, TrackedChangeDeletesByResource 12 and 13; ODS "
    "1020-AuthViewsIncludingDeletes: enrollments that are gone count"
)
def test_deletes_show_students_in_reach_only(target: Target) -> None:
    assert target.control is not None
    here, elsewhere = reader(target), reader(target, 999)
    student = {"studentUniqueId": "gone-with-all", **PERSON}
    stranger = gone(target, {**student, "studentUniqueId": "never-enrolled"}, STUDENTS)
    person = target.created(student, STUDENTS)
    enrollment = target.created(
        {
            "entryDate": "2025-08-18",
            "schoolReference": {"schoolId": WORLD.school},
            "studentReference": {"studentUniqueId": "gone-with-all"},
            "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Tenth grade",
        },
        ENROLLMENTS,
    )
    target.call("DELETE", enrollment)
    target.call("DELETE", person)
    rows = deletes(target, STUDENTS, here)
    assert [row["keyValues"] for row in rows] == [{"studentUniqueId": "gone-with-all"}]
    assert stranger not in {row["id"] for row in rows}
    assert len(deletes(target, ENROLLMENTS, here)) == 1
    for path in (STUDENTS, ENROLLMENTS):
        answer = target.get(f"{path}/deletes", key=elsewhere, totalCount="true")
        assert (answer.json(), answer.headers["Total-Count"]) == ([], "0")


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.needs_seeding
@pytest.mark.proven("Postman ChangeQueries: Deletes > Descriptor Resource; DMS TrackedChangeDeletesByResource 02")
def test_the_letters_of_a_deleted_descriptor_are_kept(target: Target) -> None:
    key = reader(target)
    values = {"namespace": "uri://ed-fi.org/CTEProgramServiceDescriptor", "codeValue": "Left Out"}
    gone(target, {**values, "shortDescription": "Left Out"}, "/ed-fi/cteProgramServiceDescriptors", key)
    (row,) = deletes(target, "/ed-fi/cteProgramServiceDescriptors", key)
    assert row["keyValues"] == values


@pytest.mark.dialects("5.3")
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS v5.3 GetDeletedResourceIds: SetMaxResults(limit ?? 25), no count; DeletedResource's own names"
)
def test_v5_lists_deletes_of_other_resources_without_keys_caps_or_counts(target: Target) -> None:
    for number in range(26):
        gone(target, {**PERSON, "studentUniqueId": f"gone-{number}"}, STUDENTS)
    by_default = target.get(f"{STUDENTS}/deletes", totalCount="true")
    assert len(by_default.json()) == 25
    assert set(by_default.json()[0]) == {"Id", "ChangeVersion"}
    assert "Total-Count" not in by_default.headers
    assert len(deletes(target, STUDENTS, limit=1000)) == 26


# Their parameters


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.needs_seeding
@pytest.mark.parametrize("kind", ["deletes", "keyChanges"])
@pytest.mark.proven("ODS UrlQueryParametersRequestExtensions.Validate: below 0 only; DMS ValidateQueryMiddleware")
def test_limit_zero_counts_changes(target: Target, kind: str) -> None:
    key = reader(target)
    gone(target, association())
    answer = target.get(f"{ASSOCIATIONS}/{kind}", key=key, limit=0, totalCount="true")
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["Total-Count"] == ("1" if kind == "deletes" else "0")


@pytest.mark.dialects(*WITH_KEYS)
@pytest.mark.parametrize("kind", ["deletes", "keyChanges"])
@pytest.mark.proven(
    "ODS DeletesController and KeyChangesController: parameters before authorization; DMS "
    "TrackedChangeDeletesByResource 10, TrackedChangeKeyChangesByResource 07"
)
def test_wrong_pages_of_changes_are_told_before_the_claim(target: Target, kind: str) -> None:
    answer = target.get(f"{ASSOCIATIONS}/{kind}", limit=501, offset=-1)
    limit, offset = (
        "Limit must be omitted or set to a value between 1 and 500.",
        "Offset must be greater than or equal to 0.",
    )
    expected: dict[str, Answer] = {
        "6.2": message(400, f"{limit} {offset}"),
        "7.1": message(400, f"{limit} {offset}"),
        "7.3": problem(400, PARAMETERS, SUPPLIED, limit, offset),
        "dms": problem(
            400,
            PARAMETERS,
            SUPPLIED,
            "Offset must be a numeric value greater than or equal to 0.",
            "Limit must be omitted or set to a numeric value between 0 and 500.",
            dms=True,
        ),
    }
    check(answer, expected[target.dialect], target.dialect)


@pytest.mark.dialects("dms")
@pytest.mark.parametrize("name", ["pageToken", "pageSize", "studentUniqueId"])
@pytest.mark.proven("DMS ValidateTrackedChangeQueryMiddleware")
def test_dms_takes_no_filter_and_no_cursor_for_changes(target: Target, name: str) -> None:
    answer = target.get(f"{ASSOCIATIONS}/deletes", **{name: "1"})
    see = "The request could not be processed. See 'errors' for details."
    told = f"The query field '{name}' is not valid for this Change Query endpoint."
    check(answer, problem(400, "bad-request", see, told, dms=True), target.dialect)


# Key changes


def moved(target: Target, row: dict[str, Any], **changes: Any) -> httpx.Response:
    url = f"{target.data_url}{ENROLLMENTS}/{row['id']}"
    answer = target.put(url, {**row, **changes})
    assert answer.status_code == 204, answer.text
    return answer


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ChangeQueries: Key Changes > StudentSchoolAssociations and Sections (#2: one item an id); ODS "
    "KeyChangesQueryTemplatePreparer; DMS TrackedChangeEndpoints 03"
)
def test_an_items_key_changes_are_one_line(target: Target) -> None:
    assert target.control is not None
    key = reader(target)
    answer = target.get(f"{ASSOCIATIONS}/keyChanges", key=key)
    if target.dialect == "5.3":
        check(answer, (404, None), target.dialect)
        return
    assert answer.json() == []
    (row, *_) = target.control.documents("studentSchoolAssociations")
    moved(target, row, entryDate="2025-08-25")
    first = newest(target)
    moved(target, row, entryDate="2025-08-26")
    (change,) = target.get(f"{ENROLLMENTS}/keyChanges", key=key).json()
    assert change["id"] == row["id"]
    assert change["changeVersion"] == newest(target)
    assert change["oldKeyValues"]["entryDate"] == "2025-08-18"
    assert change["newKeyValues"]["entryDate"] == "2025-08-26"
    (later,) = target.get(f"{ENROLLMENTS}/keyChanges", key=key, minChangeVersion=first + 1).json()
    assert later["oldKeyValues"]["entryDate"] == "2025-08-25"
    assert target.get(f"{ENROLLMENTS}/keyChanges", key=reader(target, 999)).json() == []
