"""One event and an ODS that answers as it is told to: what is sent, in which order, and what the result says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.associations.actions import Action
from edfi_cte.ledger.events import NOT_PUT_BACK, Failure, Result
from edfi_cte.ledger.old_documents import OldDocument
from edfi_cte.ods.errors import (
    Conflict,
    ConnectionLost,
    EdFiError,
    MalformedAnswer,
    NotFound,
    NotYetEnrolled,
    PreconditionFailed,
    Refused,
    ServerFault,
    Unavailable,
    ValidationFailed,
    WrongRoute,
)
from edfi_cte.ods.results import WriteResult
from edfi_cte.sync.delivery import Delivery, failure_of, key_filters
from edfi_cte.sync.documents import key_of
from tests.sync.one_document import DOCUMENT

BODY, OLD = json.dumps(DOCUMENT), '{"old": true}'
LOST = ConnectionLost("lost", outcome_unknown=True)
DOWN = Unavailable("down", status=503, systemic=True)
REFUSED = ValidationFailed("no", status=400, correlation_id="c0ffee", advice="mend it")
GONE, WRONG = NotFound("gone", status=404), WrongRoute("no such path", status=404)
LEFT = NotYetEnrolled("left", status=403)


class Ods:
    """Answers each request with what is next in the list, and notes it."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[Any, ...]]()

    async def _answer(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, EdFiError):
            raise answer
        return answer

    async def upsert(self, _resource: str, body: bytes) -> Any:
        return await self._answer("post", body.decode())

    async def put(self, _resource: str, ods_id: str, body: bytes) -> Any:
        return await self._answer("put", ods_id, body.decode())

    async def delete(self, _resource: str, ods_id: str) -> Any:
        return await self._answer("delete", ods_id)

    async def get(self, _resource: str, ods_id: str) -> Any:
        return await self._answer("get", ods_id)

    async def find(self, _resource: str, filters: dict[str, Any]) -> Any:
        return await self._answer("find", filters)


def written(ods_id: str | None, status: int = 201) -> WriteResult:
    return WriteResult(status, ods_id, None, created=True)


def event(action: Action, **columns: Any) -> Any:
    known: dict[str, Any] = {"event_id": 5, "key_id": "k", "old_key_id": None, "ods_id": "old", "body": BODY}
    return SimpleNamespace(**(known | {"action": action, "in_doubt": False, "old_in_doubt": False} | columns))


POST, PUT, DELETE = event(Action.POST), event(Action.PUT), event(Action.DELETE)
MOVED, SAME = (event(Action.DELETE_POST, old_key_id=key) for key in ("other", "k"))


def deliver(row: Any, *answers: Any, old: bool = False, missing: Failure | None = None) -> tuple[Result, Ods, Any]:
    """The result, the ODS, and the old documents that are due: before, and as they were kept."""
    ods, kept = Ods(*answers), list[tuple[int, str]]()

    async def keep_old(event_id: int, body: str) -> None:
        ods.asked.append(("keep",))
        kept.append((event_id, body))

    due = {"k": OldDocument(OLD, (1,))} if old else {}
    delivery = Delivery(ods, lambda _: missing, keep_old, due)  # type: ignore[arg-type]
    result = asyncio.run(delivery.deliver(row))
    assert not ods.answers, "it asks for no less"
    return result, ods, (delivery.old, kept)


def asked(ods: Ods) -> list[str]:
    return [request[0] for request in ods.asked]


FIND = ("find", key_filters(key_of(DOCUMENT)))
THERE = DOCUMENT | {"id": "there"}
OTHERS = DOCUMENT | {"id": "another", "beginDate": "2025-08-21"}


def test_the_key_is_asked_for_by_its_six_values():
    assert key_filters(key_of(DOCUMENT)) == {
        "beginDate": "2025-08-20",
        "educationOrganizationId": 39141,
        "programEducationOrganizationId": 39142,
        "programName": "Health",
        "programTypeDescriptor": "uri://x#CTE",
        "studentUniqueId": "7",
    }


def test_a_post_gives_the_id_that_it_was_answered_with():
    result, ods, _ = deliver(POST, written("new"))
    assert result == Result(POST, http_status=201, ods_id="new")
    assert ods.asked == [("post", BODY)]


def test_a_post_without_an_id_in_its_answer_looks_it_up_among_what_has_its_key():
    result, ods, _ = deliver(POST, written(None, 200), [OTHERS, THERE])
    assert result == Result(POST, http_status=200, ods_id="there")
    assert ods.asked == [("post", BODY), FIND]


@pytest.mark.parametrize("listed", [[], [OTHERS], [THERE, THERE]])
def test_an_id_that_is_not_to_be_learnt_leaves_the_post_in_doubt(listed: list[Any]):
    result, _, _ = deliver(POST, written(None), listed)
    error = MalformedAnswer("The ODS accepted the document, gave no Location, and does not list it.")
    assert result == Result(POST, failure=failure_of(error), doubt=True)


@pytest.mark.parametrize(("error", "doubt"), [(REFUSED, False), (LOST, True), (DOWN, True)])
def test_a_write_that_fails_is_in_doubt_where_no_answer_says_what_it_did(error: EdFiError, doubt: bool):
    result, ods, _ = deliver(POST, error)
    assert result == Result(POST, http_status=error.status, failure=failure_of(error), doubt=doubt)
    assert ods.asked == [("post", BODY)]


def test_a_put_goes_to_its_id_and_one_that_meets_nothing_posts():
    result, ods, _ = deliver(PUT, written("old", 204))
    assert result == Result(PUT, http_status=204, ods_id="old")
    assert ods.asked == [("put", "old", BODY)]
    result, ods, _ = deliver(PUT, GONE, written("new"))
    assert result == Result(PUT, http_status=201, ods_id="new")
    assert ods.asked == [("put", "old", BODY), ("post", BODY)]


def test_a_put_to_a_path_that_is_none_posts_nothing():
    result, ods, _ = deliver(PUT, WRONG)
    assert result == Result(PUT, http_status=404, failure=failure_of(WRONG), doubt=True)
    assert asked(ods) == ["put"]


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (None, {"http_status": 201, "deleted": True}),
        (LEFT, {"http_status": 201, "out_of_reach": True}),
        (REFUSED, {"http_status": 400, "failure": failure_of(REFUSED)}),
        (LOST, {"http_status": None, "failure": failure_of(LOST), "old_doubt": True}),
    ],
)
def test_a_record_of_another_key_goes_after_its_successor(answer: Any, rest: dict[str, Any]):
    result, ods, _ = deliver(MOVED, written("new"), answer)
    assert result == Result(MOVED, ods_id="new", **rest)
    assert ods.asked == [("post", BODY), ("delete", "old")]


def test_a_record_of_another_key_stays_where_its_successor_is_refused():
    result, ods, _ = deliver(MOVED, REFUSED)
    assert result == Result(MOVED, http_status=400, failure=failure_of(REFUSED))
    assert asked(ods) == ["post"]


def test_a_record_that_the_ods_has_moved_to_its_new_key_is_not_deleted():
    result, ods, _ = deliver(MOVED, written("old", 200))
    assert result == Result(MOVED, http_status=200, ods_id="old", moved=True)
    assert asked(ods) == ["post"]


def test_a_record_of_the_same_key_is_kept_before_it_is_deleted_and_posted_anew():
    there = {"_etag": "1", "id": "old", "z": 1, "a": None}
    result, ods, (due, kept) = deliver(SAME, there, None, written("new"))
    assert result == Result(SAME, http_status=201, ods_id="new", deleted=True)
    assert ods.asked == [("get", "old"), ("keep",), ("delete", "old"), ("post", BODY)]
    assert kept == [(5, '{"z":1}')]
    assert due == {"k": OldDocument('{"z":1}', (5,))}


def test_what_an_interrupted_try_has_kept_is_not_asked_for_again():
    result, ods, (due, kept) = deliver(SAME, None, written("new"), old=True)
    assert result == Result(SAME, http_status=201, ods_id="new", deleted=True)
    assert asked(ods) == ["delete", "post"]
    assert (due, kept) == ({"k": OldDocument(OLD, (1,))}, [])


def test_a_record_of_the_same_key_that_is_gone_is_posted():
    result, ods, (due, kept) = deliver(SAME, GONE, None, written("new"))
    assert result == Result(SAME, http_status=201, ods_id="new", deleted=True)
    assert asked(ods) == ["get", "delete", "post"]
    assert (due, kept) == ({}, [])


def test_a_record_that_can_not_be_read_is_not_deleted():
    result, ods, _ = deliver(SAME, LOST)
    assert result.failure == Failure("connection_lost", "lost", LOST.advice), "a lost answer to a GET is no doubt"
    assert (result.doubt, result.old_doubt, asked(ods)) == (False, False, ["get"])
    assert deliver(SAME, WRONG)[0].failure == replace(failure_of(WRONG), outcome_unknown=False)


def test_a_record_that_is_nested_beyond_reading_is_not_deleted():
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    result, ods, _ = deliver(SAME, deep)
    assert result.failure is not None
    assert result.failure.message == "A document of the ODS is nested beyond reading."
    assert asked(ods) == ["get"]


@pytest.mark.parametrize(
    ("error", "columns", "there"),
    [
        (REFUSED, {}, "old"),
        (LOST, {}, None),
        (REFUSED, {"in_doubt": True}, None),
        (REFUSED, {"old_in_doubt": True}, None),
    ],
)
def test_what_a_refused_delete_left_there_needs_no_putting_back(
    error: EdFiError, columns: dict[str, Any], there: str | None
):
    """Unless a delete may have been carried out: this one, or one of an earlier try."""
    row = event(Action.DELETE_POST, old_key_id="k", **columns)
    result, ods, _ = deliver(row, error, old=True)
    failure = failure_of(error)
    doubt = failure.outcome_unknown
    assert result == Result(row, error.status, failure=failure, old_doubt=doubt, restored_id=there)
    assert asked(ods) == ["delete"]


@pytest.mark.parametrize("row", [POST, PUT, SAME])
@pytest.mark.parametrize("answers", [[written("back")], [written(None), [{"id": "back"} | DOCUMENT]]])
def test_a_refused_record_puts_back_what_is_due_for_its_key(row: Any, answers: list[Any]):
    ods_old = OldDocument(BODY, (1,))
    first = [None] if row is SAME else []
    ods = Ods(*first, REFUSED, *answers)
    delivery = Delivery(ods, lambda _: None, None, {"k": ods_old})  # type: ignore[arg-type]
    result = asyncio.run(delivery.deliver(row))
    assert result == Result(row, http_status=400, failure=failure_of(REFUSED), restored_id="back")
    assert ("post", BODY) in ods.asked[len(first) + 1 :]


@pytest.mark.parametrize(("error", "systemic"), [(Conflict("taken", status=409), False), (DOWN, True)])
def test_what_can_not_be_put_back_is_told_and_stays_in_doubt(error: EdFiError, systemic: bool):
    result, _, (due, _) = deliver(SAME, None, REFUSED, error, old=True)
    said = f"no The record that it was to replace could not be put back: {error.message}"
    failure = Failure(NOT_PUT_BACK, said, "mend it", 400, "c0ffee", systemic=systemic)
    assert result == Result(SAME, http_status=400, failure=failure, doubt=True)
    assert due == {"k": OldDocument(OLD, (1,))}


@pytest.mark.parametrize("error", [LOST, DOWN, Refused("all", status=403, systemic=True)])
def test_nothing_is_put_back_while_it_is_open_what_became_of_the_new_record(error: EdFiError):
    result, ods, _ = deliver(SAME, None, error, old=True)
    doubt = failure_of(error).outcome_unknown
    assert result == Result(SAME, http_status=error.status, failure=failure_of(error), doubt=doubt)
    assert asked(ods) == ["delete", "post"]


MISSING = Failure("program_missing", "none", "create it")


@pytest.mark.parametrize(("old", "restored"), [(False, None), (True, "back")])
def test_an_event_that_has_to_wait_sends_nothing_but_what_is_due_to_be_put_back(old: bool, restored: str | None):
    result, ods, _ = deliver(SAME, *[written("back")] * old, old=old, missing=MISSING)
    assert result == Result(SAME, failure=MISSING, restored_id=restored)
    assert ods.asked == [("post", OLD)] * old


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (None, {"http_status": 204, "deleted": True}),
        (LEFT, {"http_status": 403, "out_of_reach": True}),
        (REFUSED, {"http_status": 400, "failure": failure_of(REFUSED)}),
        (LOST, {"failure": failure_of(LOST), "doubt": True}),
    ],
)
def test_a_delete_goes_by_id(answer: Any, rest: dict[str, Any]):
    result, ods, _ = deliver(DELETE, answer)
    assert result == Result(DELETE, **rest)
    assert ods.asked == [("delete", "old")]


@pytest.mark.parametrize("listed", [[], [OTHERS], [OTHERS, THERE], [THERE, THERE | {"id": "twin"}]])
def test_a_delete_without_an_id_goes_to_each_record_of_its_key(listed: list[Any]):
    row = event(Action.DELETE, ods_id=None)
    ids = [document["id"] for document in listed if document is not OTHERS]
    result, ods, _ = deliver(row, listed, *[None] * len(ids))
    assert result == Result(row, http_status=204, deleted=True)
    assert ods.asked == [FIND, *(("delete", ods_id) for ods_id in ids)]


def test_a_look_up_that_gets_no_answer_leaves_no_doubt():
    row = event(Action.DELETE, ods_id=None)
    assert deliver(row, LOST)[0] == Result(row, failure=failure_of(LOST))


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        *((Refused("", status=status), False) for status in (400, 401, 403, 409, 412)),
        *((Refused("", status=status), True) for status in (404, 405, 410, 429, 500)),
        (PreconditionFailed("", status=412, outcome_unknown=True), True),
        (ServerFault("", status=500), True),
        (MalformedAnswer("", status=400), True),
        (ConnectionLost(""), False),
    ],
)
def test_only_some_statuses_say_that_a_write_was_not_carried_out(error: EdFiError, unknown: bool):
    assert failure_of(error).outcome_unknown == unknown


def test_a_failure_keeps_all_that_its_error_says():
    error = Unavailable("m", status=503, correlation_id="c", systemic=True, advice="a", outcome_unknown=True)
    assert failure_of(error) == Failure("unavailable", "m", "a", 503, "c", outcome_unknown=True, systemic=True)
