"""GET of collections: limits, counts, filters, offset and cursor paging, partitions; and change queries."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.answers import Answer, check, message, no_action, problem
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


def test_limit_zero_counts_only(target: Target) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    answer = target.get(ASSOCIATIONS, limit=0, totalCount="true", studentUniqueId=WORLD.student)
    assert answer.json() == []
    assert int(answer.headers["Total-Count"]) >= 2
    assert "Total-Count" not in target.get(ASSOCIATIONS, limit=0).headers


def test_offset_pages_cover_everything_once(target: Target) -> None:
    days = [f"2019-08-{day:02d}" for day in range(1, 8)]
    seed_dates(target, *days)
    pages = [own(target, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert sorted(date for page in pages for date in dates(page)) == days


@pytest.mark.needs_seeding
def test_pages_come_by_key_up_to_7_2_and_by_insertion_from_then_on(target: Target) -> None:
    seed_dates(target, "2019-08-03", "2019-08-01", "2019-08-02")
    expected = ["2019-08-03", "2019-08-01", "2019-08-02"]
    assert dates(own(target)) == (expected if target.dialect in CURSOR else sorted(expected))


def test_filters_are_joined_with_and(target: Target) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    target.created(association(studentReference={"studentUniqueId": WORLD.other_student}, beginDate="2019-08-02"))
    found = own(target, beginDate="2019-08-02", programEducationOrganizationId=WORLD.district)
    assert dates(found) == ["2019-08-02"]
    assert own(target, beginDate="2019-08-02", programName="another") == []


@pytest.mark.parametrize("name", ["beginDate", "BEGINDATE", "begindate"])
def test_filter_names_are_matched_in_any_case(target: Target, name: str) -> None:
    seed_dates(target, "2019-08-01", "2019-08-02")
    assert dates(own(target, **{name: "2019-08-02"})) == ["2019-08-02"]


def test_filters_by_descriptor_and_by_other_properties(target: Target) -> None:
    target.created(association(privateCTEProgram=True))
    target.created(association(beginDate="2019-09-01", privateCTEProgram=False))
    assert len(own(target, programTypeDescriptor=WORLD.program_type.upper().replace("URI", "uri"))) == 2
    assert dates(own(target, privateCTEProgram="true")) == ["2019-08-23"]


def test_unknown_parameters_are_ignored(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    assert dates(own(target, favoriteColor="green")) == ["2019-08-01"]


# Cursor paging


@pytest.mark.dialects(*CURSOR)
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
def test_a_token_is_a_span_of_surrogate_keys(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    token = target.get(ASSOCIATIONS, limit=1).headers["Next-Page-Token"]
    assert "=" not in token
    first, last = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(",")
    assert int(first) <= int(last) == 2147483647


@pytest.mark.dialects("5.3", "6.2", "7.1")
def test_there_are_no_cursors_before_7_3(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    assert "Next-Page-Token" not in target.get(ASSOCIATIONS, limit=1).headers
    assert target.get(f"{ASSOCIATIONS}/partitions").status_code in (400, 404)


@pytest.mark.dialects(*CURSOR)
@pytest.mark.needs_seeding
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
def test_a_small_collection_is_one_partition(target: Target) -> None:
    seed_dates(target, "2019-08-01")
    assert len(target.get(f"{ASSOCIATIONS}/partitions", number=10).json()["pageTokens"]) == 1


# Change queries


def newest(target: Target) -> int:
    document = target.get(f"{target.change_queries_url}/availableChangeVersions").json()
    return int({name.lower(): value for name, value in document.items()}["newestchangeversion"])


def test_available_change_versions(target: Target) -> None:
    document = target.get(f"{target.change_queries_url}/availableChangeVersions").json()
    if target.dialect == "5.3":
        assert set(document) == {"OldestChangeVersion", "NewestChangeVersion"}
    else:
        assert set(document) == {"oldestChangeVersion", "newestChangeVersion"}


def test_change_versions_bound_a_collection(target: Target) -> None:
    before = newest(target)
    seed_dates(target, "2019-08-01")
    between = newest(target)
    seed_dates(target, "2019-08-02")
    assert dates(own(target, minChangeVersion=before + 1)) == ["2019-08-01", "2019-08-02"]
    assert dates(own(target, minChangeVersion=before + 1, maxChangeVersion=between)) == ["2019-08-01"]
    target.post(association(beginDate="2019-08-01", privateCTEProgram=True))
    assert sorted(dates(own(target, minChangeVersion=between + 1))) == ["2019-08-01", "2019-08-02"]


def test_an_unchanged_write_keeps_the_change_version(target: Target) -> None:
    target.created()
    before = newest(target)
    target.post(association())
    assert newest(target) == before


@pytest.mark.needs_seeding
def test_the_loaders_key_may_not_read_deletes(target: Target) -> None:
    answer = target.get(f"{ASSOCIATIONS}/deletes")
    if target.dialect == "5.3":
        assert answer.status_code == 200
        return
    check(answer, no_action(target.dialect, "readChanges", "relationshipBasedData", NAME), target.dialect)


@pytest.mark.needs_seeding
def test_deletes_carry_the_key_from_6_0_on(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("reader", "reader", "Ed-Fi API Publisher - Reader")
    location = target.created()
    target.call("DELETE", location)
    answer = target.get(f"{ASSOCIATIONS}/deletes", key="reader", totalCount="true")
    if target.dialect == "5.3":
        # ODS-4087: deletes of derived resources are never captured.
        assert answer.json() == []
        return
    (row,) = answer.json()
    assert answer.headers["Total-Count"] == "1"
    assert row["id"] == location.rpartition("/")[2]
    assert row["keyValues"] == {
        "beginDate": "2019-08-23",
        "educationOrganizationId": WORLD.district,
        "programEducationOrganizationId": WORLD.district,
        "programName": WORLD.program,
        "programTypeDescriptor": WORLD.program_type,
        "studentUniqueId": WORLD.student,
    }
    target.created()
    assert target.get(f"{ASSOCIATIONS}/deletes", key="reader").json() == []


@pytest.mark.dialects("6.2", "7.1", "7.3", "dms")
@pytest.mark.needs_seeding
@pytest.mark.parametrize("limit", [0, 501])
@pytest.mark.parametrize("kind", ["deletes", "keyChanges"])
def test_the_limit_of_the_change_endpoints_is_1_to_500(target: Target, kind: str, limit: int) -> None:
    assert target.control is not None
    target.control.add_client("reader", "reader", "Ed-Fi API Publisher - Reader")
    answer = target.get(f"{ASSOCIATIONS}/{kind}", key="reader", limit=limit)
    text = "Limit must be omitted or set to a value between 1 and 500."
    details = {
        "7.3": "The request construction was invalid.",
        "dms": "Parameters supplied to the request were invalid.",
    }
    expected = (
        problem(400, PARAMETERS, details[target.dialect], text, dms=target.dialect == "dms")
        if target.dialect in details
        else message(400, text)
    )
    check(answer, expected, target.dialect)


@pytest.mark.dialects("5.3")
@pytest.mark.needs_seeding
def test_v5_lists_deletes_of_other_resources_without_keys_caps_or_counts(target: Target) -> None:
    person = {"firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
    for number in range(26):
        location = target.created({**person, "studentUniqueId": f"gone-{number}"}, "/ed-fi/students")
        target.call("DELETE", location)
    by_default = target.get("/ed-fi/students/deletes", totalCount="true")
    assert len(by_default.json()) == 25
    assert set(by_default.json()[0]) == {"Id", "ChangeVersion"}
    assert "Total-Count" not in by_default.headers
    assert len(target.get("/ed-fi/students/deletes", limit=1000).json()) == 26


@pytest.mark.needs_seeding
def test_key_changes(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("reader", "reader", "Ed-Fi API Publisher - Reader")
    answer = target.get(f"{ASSOCIATIONS}/keyChanges", key="reader")
    if target.dialect == "5.3":
        check(answer, (404, None), target.dialect)
        return
    assert answer.json() == []
    (row, *_) = target.control.documents("studentSchoolAssociations")
    url = f"{target.data_url}/ed-fi/studentSchoolAssociations/{row['id']}"
    target.put(url, {**row, "entryDate": "2025-08-25"})
    (change,) = target.get("/ed-fi/studentSchoolAssociations/keyChanges", key="reader").json()
    assert change["oldKeyValues"]["entryDate"] == "2025-08-18"
    assert change["newKeyValues"]["entryDate"] == "2025-08-25"
    assert change["id"] == row["id"]


def snapshot_missing(target: Target) -> Answer:
    return {
        "5.3": message(410, "Snapshot not available."),
        "6.2": message(410, "Snapshot not available."),
        "7.1": message(404, "Snapshot not found."),
        "7.3": problem(404, "not-found", "Snapshot not found."),
    }[target.dialect]


@pytest.mark.dialects("5.3", "6.2", "7.1", "7.3")
@pytest.mark.needs_seeding
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
def test_the_list_of_snapshots_is_empty(target: Target) -> None:
    assert target.get(f"{target.change_queries_url}/snapshots").json() == []
