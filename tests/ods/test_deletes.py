"""What was deleted: all of it, or nothing said."""

from __future__ import annotations

from typing import Any

import pytest

from edfi_cte.ods import EdFiClient, EdFiError
from tests.ods.fake_api import FakeApi, Fault, with_client
from tests.ods.faults import answers, problem


async def deleted(client: EdFiClient) -> list[str] | None:
    return await client.deleted_ids("students", 17)


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        ([], []),
        ([{"id": "a", "keyValues": {}}, {"Id": "b"}], ["a", "b"]),
        ([{"id": "a"}, "b"], ["a"]),
        ([{"id": "a"}, {"id": "b"}, {"id": "c"}], None),
        ([{"id": "a"}] * 4, None),
        ({"id": "a"}, None),
    ],
    ids=["none", "both cases", "no item", "a full page", "more than a page", "no list"],
)
def test_the_ids_of_less_than_a_page_are_all_there_are(rows: Any, ids: list[str] | None) -> None:
    with FakeApi() as api:
        api.fail(answers(200, rows))
        assert with_client(api, deleted, page_size=3) == ids
    (asked,) = api.data_requests()
    assert (asked.method, asked.path) == ("GET", "/data/v3/ed-fi/students/deletes")
    assert asked.query == {"minChangeVersion": "17", "limit": "3"}


@pytest.mark.parametrize(
    "refusal", [problem(404, "not-found"), answers(403), problem(400, "bad-request:parameter-validation-failed")]
)
def test_an_api_that_does_not_say_what_was_deleted_is_no_error(refusal: Fault) -> None:
    with FakeApi() as api:
        api.fail(refusal)
        assert with_client(api, deleted) is None
    assert len(api.data_requests()) == 1


def test_an_api_in_trouble_is_an_error_and_not_nothing_deleted() -> None:
    with FakeApi() as api:
        api.faults = [answers(500)] * 100
        with pytest.raises(EdFiError):
            with_client(api, deleted)
