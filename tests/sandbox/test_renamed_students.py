"""A student's studentUniqueId changed in place, which up to 6.x a PUT can do."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.answers import DATA, check, message, problem
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

OTHER_ID = "renamed-student"
RENAMED = ("5.3", "6.2")


def renamed(target: Target) -> tuple[httpx.Response, str]:
    """A PUT of the enrolled student with another studentUniqueId, and the student's URL."""
    (row,) = target.get("/ed-fi/students", studentUniqueId=WORLD.student).json()
    url = f"{target.data_url}/ed-fi/students/{row['id']}"
    return target.put(url, {**row, "studentUniqueId": OTHER_ID}), url


@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS EntityMapper.mustache (to 6.x): the unique id is no part of the primary key, so Synchronize copies it; "
    "v7.1 refuses changed identifiers; DMS TrackedChangeKeyChangesByResource 09"
)
def test_a_student_may_get_another_id_up_to_6_x(target: Target) -> None:
    answer, url = renamed(target)
    if target.dialect in RENAMED:
        assert answer.status_code == 204
        assert target.get(url).json()["studentUniqueId"] == OTHER_ID
        assert target.get("/ed-fi/students", studentUniqueId=WORLD.student).json() == []
    elif target.dialect == "7.1":
        text = "Key values for this resource cannot be changed. Delete and recreate the resource item."
        check(answer, message(400, text), target.dialect)
    elif target.dialect == "7.3":
        text = "Identifying values for the Student data cannot be changed. Delete and recreate the item instead."
        check(answer, problem(400, f"{DATA}:key-change-not-supported", text), target.dialect)
    else:
        text = (
            "Identifying values for the Student resource cannot be changed. Delete and recreate the resource item "
            "instead."
        )
        check(answer, problem(400, f"{DATA}:key-change-not-supported", text, dms=True), target.dialect)


@pytest.mark.dialects(*RENAMED)
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS tables hold StudentUSI; v6.2 trigger edfi_Student_TR_UpdateChangeVersion stamps the student alone"
)
def test_what_refers_to_a_renamed_student_shows_the_new_id_unstamped(target: Target) -> None:
    assert target.control is not None
    location = target.created()
    before = target.get(location).json()
    renamed(target)
    after = target.get(location).json()
    assert after["studentReference"]["studentUniqueId"] == OTHER_ID
    assert (after["id"], after["_etag"]) == (before["id"], before["_etag"])
    assert [row["id"] for row in target.get(ASSOCIATIONS, studentUniqueId=OTHER_ID).json()] == [before["id"]]
    assert target.get(ASSOCIATIONS, studentUniqueId=WORLD.student).json() == []
    assert target.post(association(studentReference={"studentUniqueId": OTHER_ID})).status_code == 200
    assert target.post(association()).status_code in (403, 409)
    if target.dialect == "6.2":
        target.control.add_client("all", "all", "Ed-Fi Sandbox", [WORLD.district])
        (change,) = target.get("/ed-fi/students/keyChanges", key="all").json()
        assert change["oldKeyValues"] == {"studentUniqueId": WORLD.student}
        assert change["newKeyValues"] == {"studentUniqueId": OTHER_ID}
        assert target.get(f"{ASSOCIATIONS}/keyChanges", key="all").json() == []


@pytest.mark.dialects(*RENAMED)
@pytest.mark.needs_seeding
@pytest.mark.proven(
    "ODS UI_Student_StudentUniqueId: a unique index; DuplicateNaturalKey… and UniqueConstraint… translators"
)
def test_an_id_that_another_student_has_is_refused(target: Target) -> None:
    (row,) = target.get("/ed-fi/students", studentUniqueId=WORLD.student).json()
    url = f"{target.data_url}/ed-fi/students/{row['id']}"
    assert target.put(url, {**row, "studentUniqueId": WORLD.other_student}).status_code == 409
