"""GET of collections: limits, counts, filters, offset and cursor paging, partitions; and change queries."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.answers import DATA, SEE_VALIDATION, Answer, check, message, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

CURSOR = ("7.3", "dms")
NAME = "studentCTEProgramAssociation"
PARAMETERS = "bad-request:parameter-validation-failed"


def dates(rows: list[dict[str, Any]]) -> list[str]:
    return [row["beginDate"] for row in rows]


def seed_dates(target: Target, *begin_dates: str) -> None:
    for begin in begin_dates:
        target.created(association(beginDate=begin))


def own(target: Target, **parameters: Any) -> list[dict[str, Any]]:
    """The student's associations of the tests' own year."""
    rows = target.get(ASSOCIATIONS, studentUniqueId=WORLD.student, **parameters).json()
    return [row for row in rows if row["beginDate"].startswith("2019-")]


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ResponseTests: When_No_Parameters_are_supplied_should_return_DefaultPageSizeLimit_results; v5.3 "
    "GetEntitiesBySpecification: 25"
)
def test_the_default_limit(target: Target) -> None:
    assert target.control is not None
    rows = [
        {"studentUniqueId": f"{n}", "firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
        for n in range(30)
    ]
    target.control.seed({"students": rows})
    target.control.add_client("all", "all", "Ed-Fi API Publisher - Reader")
    answer = target.get("/ed-fi/students", key="all")
    assert len(answer.json()) == (25 if target.dialect == "5.3" else 34)


@pytest.mark.proven(
    "Postman ResponseTests: "
    "When_Given_a_limit_0_and_TotalCount_Should_return_200_with_empty_array_and_total_count_header"
)
def test_limit_zero_counts_only(target: Target) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    answer = target.get(ASSOCIATIONS, limit=0, totalCount="true", studentUniqueId=WORLD.student)
    assert answer.json() == []
    assert int(answer.headers["Total-Count"]) >= 2
    assert "Total-Count" not in target.get(ASSOCIATIONS, limit=0).headers


@pytest.mark.proven(
    "Postman ResponseTests: When_Offset_Value_Supplied_Should_Return_Next_Set_of_Resources; DMS PagingQueryString 01"
)
def test_offset_pages_cover_everything_once(target: Target) -> None:
    days = [f"2019-08-{day:02d}" for day in range(1, 8)]
    seed_dates(target, *days)
    pages = [own(target, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert sorted(date for page in pages for date in dates(page)) == days


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS GetEntitiesBySpecification: order by primary key (to 7.2), by AggregateId (7.3)")
def test_pages_come_by_key_up_to_7_2_and_by_insertion_from_then_on(target: Target) -> None:
    seed_dates(target, "2019-08-03", "2019-08-01", "2019-08-02")
    expected = ["2019-08-03", "2019-08-01", "2019-08-02"]
    assert dates(own(target)) == (expected if target.dialect in CURSOR else sorted(expected))


@pytest.mark.proven(
    "Postman GetByExample: by Valid StudentUniqueId and ParentUniqueId; DMS ResourceQueriesQueryString 05"
)
def test_filters_are_joined_with_and(target: Target) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    target.created(association(studentReference={"studentUniqueId": WORLD.other_student}, beginDate="2019-08-02"))
    found = own(target, beginDate="2019-08-02", programEducationOrganizationId=WORLD.district)
    assert dates(found) == ["2019-08-02"]
    assert own(target, beginDate="2019-08-02", programName="another") == []


@pytest.mark.parametrize("name", ["beginDate", "BEGINDATE", "begindate"])
@pytest.mark.proven("ASP.NET model binding; DMS ResourceQueriesQueryString 08-10")
def test_filter_names_are_matched_in_any_case(target: Target, name: str) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    assert dates(own(target, **{name: "2019-08-02"})) == ["2019-08-02"]


@pytest.mark.proven("Postman GetByExample (7.3): When filtering by ReasonExitedDescriptor, by EndDate")
def test_filters_by_descriptor_and_by_other_properties(target: Target) -> None:
    target.created(association(privateCTEProgram=True))
    target.created(association(beginDate="2019-09-01", privateCTEProgram=False))
    assert len(own(target, programTypeDescriptor=WORLD.program_type.upper().replace("URI", "uri"))) == 2
    assert dates(own(target, privateCTEProgram="true")) == ["2019-08-23"]


SCHOOL_YEARS = {"schoolYearTypeReference": 2026, "classOfSchoolYearTypeReference": 2027}


@pytest.mark.needs_seeding
@pytest.mark.parametrize(
    ("path", "wanted", "unwanted"),
    [
        ("schools", {"localEducationAgencyId": WORLD.district}, {"localEducationAgencyId": 1}),
        ("schools", {"charterApprovalSchoolYear": 2024}, {"charterApprovalSchoolYear": 2025}),
        ("localEducationAgencies", {"parentLocalEducationAgencyId": WORLD.district}, {"stateEducationAgencyId": 29}),
        ("studentSchoolAssociations", {"schoolYear": 2026}, {"schoolYear": 2025}),
        ("studentSchoolAssociations", {"classOfSchoolYear": 2027}, {"classOfSchoolYear": 2026}),
        (
            "studentSchoolAssociations",
            {"schoolYear": 2026, "classOfSchoolYear": 2027},
            {"graduationSchoolYear": 2027},
        ),
        ("students", {"studentUniqueId": WORLD.student}, {"personId": "P1"}),
    ],
    ids=["school's district", "charter year", "parent district", "school year", "class of", "two years", "person"],
)
@pytest.mark.proven(
    "Postman GetByExample: Initialize Schools Data (schools?localEducationAgencyId=); the published OpenAPI's "
    "parameters; DMS ResourceQueriesQueryString 17"
)
def test_filters_on_the_keys_of_optional_references(
    target: Target, path: str, wanted: dict[str, Any], unwanted: dict[str, Any]
) -> None:
    assert target.control is not None
    (school,) = target.control.documents("schools")
    target.control.put("schools", {**school, "charterApprovalSchoolYearTypeReference": {"schoolYear": 2024}})
    (district,) = target.control.documents("localEducationAgencies")
    below = {**district, "localEducationAgencyId": 39142}
    below["parentLocalEducationAgencyReference"] = {"localEducationAgencyId": WORLD.district}
    target.control.put("localEducationAgencies", below)
    (enrollment, *_) = target.control.documents("studentSchoolAssociations")
    years = {name: {"schoolYear": year} for name, year in SCHOOL_YEARS.items()}
    target.control.put("studentSchoolAssociations", {**enrollment, **years})
    assert len(target.get(f"/ed-fi/{path}", **wanted).json()) == 1
    assert target.get(f"/ed-fi/{path}", **unwanted).json() == []


@pytest.mark.proven("Postman GetByExample (7.3): When filtering by id; DMS DescriptorQueryCapabilityCompiler")
def test_filter_by_id(target: Target) -> None:
    location = target.created()
    identifier = location.rpartition("/")[2]
    assert [row["id"] for row in target.get(ASSOCIATIONS, id=identifier).json()] == [identifier]
    assert target.get(ASSOCIATIONS, id="b61860ad52da43fb98a6e4fda8747e00").json() == []


@pytest.mark.proven("ODS Requests.mustache: Guid Id of GetByExample; DMS DescriptorQueryCapabilityCompiler: a string")
def test_filter_by_an_id_that_is_none(target: Target) -> None:
    answer = target.get(ASSOCIATIONS, id="xyz")
    if target.dialect == "dms":
        assert (answer.status_code, answer.json()) == (200, [])
    else:
        assert answer.status_code == 400
        assert "The value 'xyz' is not valid." in answer.text


@pytest.mark.dialects("7.3")
@pytest.mark.proven("Postman Integration: Paging > Cursor Paging > Paging through Partitions, Smallest Partitions")
def test_small_partitions_on_request_side_by_side(target: Target) -> None:
    days = [f"2019-08-{day:02d}" for day in range(1, 8)]
    seed_dates(target, *days)

    def walk(token: str) -> list[str]:
        found: list[str] = []
        while token:
            answer = target.get(ASSOCIATIONS, pageToken=token, pageSize=2, studentUniqueId=WORLD.student)
            found += dates(answer.json())
            token = answer.headers.get("Next-Page-Token", "")
        return found

    for number, parts in ((2, 2), (3, 3), (200, 7)):
        answer = target.get(
            f"{ASSOCIATIONS}/partitions", number=number, allowSmallPartitions="true", studentUniqueId=WORLD.student
        )
        tokens = answer.json()["pageTokens"]
        assert len(tokens) == parts
        assert [date for token in tokens for date in walk(token)] == days


@pytest.mark.dialects("dms")
@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"limit": 5}, ["The 'limit' parameter is not supported by the partitions endpoint."]),
        (
            {"totalCount": "true", "pageToken": "MSwy"},
            [
                "The 'pageToken' parameter is not supported by the partitions endpoint.",
                "The 'totalCount' parameter is not supported by the partitions endpoint.",
            ],
        ),
        ({"number": "many"}, ["Number of partitions must be between 1 and 200."]),
        ({"number": ""}, ["Number of partitions must be between 1 and 200."]),
    ],
    ids=["limit", "two", "a word", "nothing"],
)
@pytest.mark.proven("DMS PartitionRequestValidator; CURSOR-PAGING.md, /partitions requests")
def test_dms_takes_no_page_for_partitions(target: Target, parameters: dict[str, Any], told: list[str]) -> None:
    answer = target.get(f"{ASSOCIATIONS}/partitions", **parameters)
    supplied = "Parameters supplied to the request were invalid."
    check(answer, problem(400, PARAMETERS, supplied, *told, dms=True), target.dialect)


@pytest.mark.dialects("dms")
@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"totalCount": "perhaps"}, "TotalCount must be a boolean value."),
        ({"offset": "x"}, "Offset must be a numeric value greater than or equal to 0."),
        ({"limit": "x"}, "Limit must be omitted or set to a numeric value between 0 and 500."),
        (
            {"pageToken": "MSwy", "limit": 2, "pageSize": 2},
            "Use pageSize instead of limit when using cursor paging with pageToken.",
        ),
        ({"pageSize": 2, "offset": 1}, "Use limit instead of pageSize when using limit/offset paging."),
        ({"pageToken": "MSwy", "pageSize": 501}, "PageSize must be a value between 0 and 500."),
    ],
)
@pytest.mark.proven("DMS PagingQueryString 12-14; CursorRequestValidator")
def test_wrong_pages_of_dms(target: Target, parameters: dict[str, Any], told: str) -> None:
    answer = target.get(ASSOCIATIONS, **parameters)
    supplied = "Parameters supplied to the request were invalid."
    check(answer, problem(400, PARAMETERS, supplied, told, dms=True), target.dialect)


@pytest.mark.dialects("7.3")
@pytest.mark.proven("Postman Integration: Paging Validation > Cursor paging, Limit also specified (200)")
def test_a_limit_beside_a_page_size_is_ignored_by_7_3(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    token = target.get(f"{ASSOCIATIONS}/partitions").json()["pageTokens"][0]
    assert target.get(ASSOCIATIONS, pageToken=token, pageSize=2, limit=0).json() != []


@pytest.mark.dialects("dms")
@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("beginDate", "word", "$.beginDate"),
        ("educationOrganizationId", "word", "$.educationOrganizationReference.educationOrganizationId"),
        ("privateCTEProgram", "perhaps", "$.privateCTEProgram"),
    ],
)
@pytest.mark.proven("DMS ResourceQueriesQueryString 02 and 03; ResourceQueryFilterValidator")
def test_filters_of_dms_that_are_no_value_of_their_type(target: Target, name: str, value: str, path: str) -> None:
    answer = target.get(ASSOCIATIONS, **{name: value})
    told = f"The value '{value}' is not valid for {name}."
    check(answer, problem(400, DATA, SEE_VALIDATION, where={path: [told]}, dms=True), target.dialect)


@pytest.mark.proven("ASP.NET model binding of GetByExample (ODS); DMS ValidateQueryMiddleware")
def test_unknown_parameters_are_ignored_but_by_dms(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    if target.dialect == "dms":
        see = "The request could not be processed. See 'errors' for details."
        told = "The query field 'favoriteColor' is not valid for this resource."
        answer = target.get(ASSOCIATIONS, favoriteColor="green")
        check(answer, problem(400, "bad-request", see, told, dms=True), target.dialect)
    else:
        assert dates(own(target, favoriteColor="green")) == ["2019-08-01"]


# Cursor paging


@pytest.mark.dialects(*CURSOR)
@pytest.mark.proven("Postman Integration (7.3): Cursor Paging > Paging through Partitions; DMS CURSOR-PAGING.md")
def test_a_cursor_walk_ends_with_an_empty_page_without_a_token(target: Target) -> None:
    days = [f"2019-08-{day:02d}" for day in range(1, 8)]
    seed_dates(target, *days)
    found: list[str] = []
    answer = target.get(ASSOCIATIONS, limit=3, studentUniqueId=WORLD.student)
    pages = 0
    while token := answer.headers.get("Next-Page-Token"):
        found += [date for date in dates(answer.json()) if date.startswith("2019-")]
        answer = target.get(ASSOCIATIONS, pageToken=token, pageSize=3, studentUniqueId=WORLD.student)
        pages += 1
    assert answer.json() == []
    assert found == days
    assert pages >= 3


@pytest.mark.dialects(*CURSOR)
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "DMS CURSOR-PAGING.md, Cursor paging is not a snapshot; ODS v7.3 PagingHelpers: ranges of AggregateId"
)
def test_a_cursor_walk_skips_nothing_while_items_are_deleted(target: Target) -> None:
    days = [f"2019-08-{day:02d}" for day in range(1, 8)]
    seed_dates(target, *days)
    answer = target.get(ASSOCIATIONS, limit=2)
    found = []
    while token := answer.headers.get("Next-Page-Token"):
        for row in answer.json():
            found.append(row["beginDate"])
            target.call("DELETE", f"{ASSOCIATIONS}/{row['id']}")
        answer = target.get(ASSOCIATIONS, pageToken=token, pageSize=2)
    assert found == days


@pytest.mark.dialects(*CURSOR)
@pytest.mark.proven("ODS v7.3 PagingHelpers.GetPageToken; Postman Integration (7.3): LTIxNDc0NzQwMzgsMjE0NzQ4MzY0Nw")
def test_a_token_is_a_span_of_surrogate_keys(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    token = target.get(ASSOCIATIONS, limit=1).headers["Next-Page-Token"]
    assert "=" not in token
    first, last = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(",")
    assert int(first) <= int(last) == 2147483647


@pytest.mark.dialects("5.3", "6.2", "7.1")
@pytest.mark.proven("ODS v7.1 DataManagementControllerBase.GetAll knows limit and offset only")
def test_there_are_no_cursors_before_7_3(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    assert "Next-Page-Token" not in target.get(ASSOCIATIONS, limit=1).headers
    assert target.get(f"{ASSOCIATIONS}/partitions").status_code in (400, 404)


@pytest.mark.dialects(*CURSOR)
@pytest.mark.needs_seeding
@pytest.mark.proven("ODS v7.3 PartitionsQueryBuilderPartitionsApplicator: no part below five full pages")
def test_partitions_split_a_large_collection(target: Target) -> None:
    assert target.control is not None
    rows = [
        {"studentUniqueId": f"s{n}", "firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
        for n in range(5200)
    ]
    target.control.seed({"students": rows})
    target.control.add_client("all", "all", "Ed-Fi API Publisher - Reader")
    tokens = target.get("/ed-fi/students/partitions", key="all", number=4).json()["pageTokens"]
    assert len(tokens) == 2
    found: list[str] = []
    for start in tokens:
        token: str | None = start
        while token:
            answer = target.get("/ed-fi/students", key="all", pageToken=token, pageSize=500)
            found += [row["studentUniqueId"] for row in answer.json()]
            token = answer.headers.get("Next-Page-Token")
    assert len(found) == len(set(found)) == 5204


@pytest.mark.dialects(*CURSOR)
@pytest.mark.proven("Postman Integration (7.3): Default Partitions > Small set, partition number unspecified")
def test_a_small_collection_is_one_partition(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    assert len(target.get(f"{ASSOCIATIONS}/partitions", number=10).json()["pageTokens"]) == 1


# Snapshots


def snapshot_missing(target: Target) -> Answer:
    return {
        "5.3": message(410, "Snapshot not available."),
        "6.2": message(410, "Snapshot not available."),
        "7.1": message(404, "Snapshot not found."),
        "7.3": problem(404, "not-found", "Snapshot not found."),
    }[target.dialect]


@pytest.mark.dialects("5.3", "6.2", "7.1", "7.3")
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "Postman ChangeQueries: Snapshots; ODS SnapshotGoneExceptionTranslator (to 6.x), "
    "SnapshotNotFoundExceptionTranslator (7.0+), SnapshotsAreReadOnlyResult"
)
def test_there_are_no_snapshots(target: Target) -> None:
    header = "Use-Snapshot" if target.dialect in ("7.1", "7.3") else "Snapshot-Identifier"
    answer = target.get(ASSOCIATIONS, headers={header: "true"})
    check(answer, snapshot_missing(target), target.dialect)
    written = target.post(association(), headers={header: "true"})
    if target.dialect == "7.3":
        detail = "The request cannot be processed because snapshots are read-only."
        check(written, problem(405, "snapshots:method-not-allowed", detail), target.dialect)
    else:
        assert written.status_code == 405


@pytest.mark.dialects("5.3", "6.2")
@pytest.mark.needs_seeding
@pytest.mark.proven("ODS v5.3 and v6.2 SnapshotsController")
def test_the_list_of_snapshots_is_empty(target: Target) -> None:
    assert target.get(f"{target.change_queries_url}/snapshots").json() == []
