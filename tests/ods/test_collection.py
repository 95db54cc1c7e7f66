"""What a collection asks its API for, word for word, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar, cast

import pytest
from multidict import CIMultiDict
from yarl import URL

from edfi_cte.ods import errors as e
from edfi_cte.ods.collection import Collection, PageLimits
from edfi_cte.ods.exchange import Exchange
from edfi_cte.ods.message import Request
from edfi_cte.ods.paging import Page

T = TypeVar("T")
Outcome = tuple[Any, dict[str, str]] | e.EdFiError
REFUSALS = (e.NotFound("x"), e.BadParameter("x"), e.AuthorizationDenied("x"))


class Answering:
    """Stands for the exchange: gives the outcomes, one after another, and notes what was asked for."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Request] = []
        self.decoders: list[Any] = []

    async def run_json(self, request: Request, decode: Any = None) -> tuple[Any, Mapping[str, str]]:
        self.asked.append(request)
        self.decoders.append(decode)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, e.EdFiError):
            raise outcome
        return outcome[0], CIMultiDict(outcome[1])


def ask(
    answering: Answering,
    work: Callable[[Collection], Coroutine[Any, Any, T]],
    *,
    filters: Mapping[str, Any] | None = None,
    limits: PageLimits | None = None,
    decode: Callable[[bytes], Any] | None = None,
) -> T:
    collection = Collection(
        "ed-fi/things",
        URL("https://h/data/ed-fi/things"),
        filters,
        exchange=cast("Exchange", answering),
        limits=limits or PageLimits(500),
        cursor_paging=True,
        concurrency=4,
        decode=decode,
    )
    return asyncio.run(work(collection))


PAGE: Outcome = ([{"id": "a"}], {"Total-Count": "7", "Next-Page-Token": "t"})


@pytest.mark.parametrize(
    ("work", "outcome", "below", "query"),
    [
        (lambda c: c.first(), PAGE, "", "offset=0&totalCount=true&limit=500"),
        (lambda c: c.at_offset(9), PAGE, "", "offset=9&limit=500"),
        (lambda c: c.at_token("a/b=="), PAGE, "", "pageToken=a%2Fb%3D%3D&pageSize=500"),
        (lambda c: c.total(), PAGE, "", "offset=0&limit=0&totalCount=true"),
        (lambda c: c.partitions(3), ({}, {}), "/partitions", "number=3"),
        (lambda c: c.deleted(7), ([], {}), "/deletes", "minChangeVersion=7&limit=500"),
    ],
    ids=["first", "offset", "token", "total", "partitions", "deletes"],
)
@pytest.mark.parametrize(
    ("filters", "before"), [(None, ""), ({"name": "A B", "flag": True}, "name=A%20B&flag=true&")]
)
def test_each_request_has_the_filters_and_what_it_asks_for(
    work: Callable[[Collection], Any], outcome: Outcome, below: str, query: str, filters: Any, before: str
) -> None:
    answering = Answering(outcome)
    ask(answering, work, filters=filters)
    (request,) = answering.asked
    assert request == Request(
        "GET", URL(f"https://h/data/ed-fi/things{below}?{before}{query}", encoded=True), f"GET ed-fi/things{below}"
    )


@pytest.mark.parametrize(
    ("headers", "total", "token"),
    [({"total-count": "7", "next-page-token": "t"}, 7, "t"), ({}, None, None), ({"Next-Page-Token": ""}, None, None)],
)
def test_a_page_is_its_rows_and_what_its_headers_say(headers: dict[str, str], total: Any, token: Any) -> None:
    answering = Answering(([1, 2], headers))
    decode = repr
    assert ask(answering, lambda c: c.first(), decode=decode) == Page([1, 2], 500, total, token)
    assert answering.decoders == [decode]


@pytest.mark.parametrize("body", [{}, None, "x", 7])
def test_a_page_that_is_no_list_is_malformed(body: Any) -> None:
    with pytest.raises(e.MalformedAnswer, match="GET ed-fi/things was answered with no JSON list"):
        ask(Answering((body, {})), lambda c: c.first())


def limit_refused(allowed: int | None = None) -> e.LimitRefused:
    error = e.LimitRefused("x")
    error.allowed = allowed
    return error


@pytest.mark.parametrize(
    ("size", "allowed", "asked", "left", "then"),
    [
        (500, None, 500, True, 250),
        (500, 0, 500, True, 250),
        (500, 40, 500, True, 40),
        (500, 499, 500, True, 499),
        (500, 500, 500, True, 250),
        (500, 900, 500, True, 250),
        (7, None, 7, True, 3),
        (5, None, 5, True, 2),
        (4, None, 4, True, 2),
        (3, None, 3, False, 3),
        (9, 2, 9, True, 2),
        (9, 1, 9, False, 9),
        (100, None, 500, True, 100),
        (300, None, 500, True, 250),
    ],
)
def test_a_refused_page_size_is_replaced_by_what_is_allowed_or_the_half(
    size: int, allowed: int | None, asked: int, left: bool, then: int
) -> None:
    """Never by a larger one: another page may have learnt a smaller one meanwhile."""
    limits = PageLimits(size)
    assert limits.learn(limit_refused(allowed), asked) is left
    assert limits.size == then


def sizes(answering: Answering) -> list[str]:
    return [request.url.query["limit"] for request in answering.asked]


def test_a_page_is_asked_for_again_as_long_as_a_smaller_one_is_left() -> None:
    answering = Answering(limit_refused(), limit_refused(3), PAGE)
    limits = PageLimits(20)
    assert ask(answering, lambda c: c.first(), limits=limits).limit == 3
    assert (sizes(answering), limits.size) == (["20", "10", "3"], 3)

    answering = Answering(limit_refused(), limit_refused())
    with pytest.raises(e.LimitRefused):
        ask(answering, lambda c: c.first(), limits=PageLimits(5))
    assert sizes(answering) == ["5", "2"]


def test_a_count_by_a_page_of_no_rows_is_given_up_once_for_all() -> None:
    limits = PageLimits(500)
    answering = Answering(limit_refused(), ([], {"Total-Count": "7"}), ([], {"Total-Count": "8"}))

    async def twice(collection: Collection) -> list[int]:
        return [await collection.total(), await collection.total()]

    assert ask(answering, twice, limits=limits) == [7, 8]
    assert sizes(answering) == ["0", "1", "1"]
    with pytest.raises(e.LimitRefused):
        ask(Answering(limit_refused()), lambda c: c.total(), limits=limits)


def test_a_count_of_nothing_is_a_count_and_none_is_malformed() -> None:
    assert ask(Answering(([], {"Total-Count": "0"})), lambda c: c.total()) == 0
    with pytest.raises(e.MalformedAnswer, match="GET ed-fi/things was answered without a Total-Count header"):
        ask(Answering(([], {})), lambda c: c.total())


@pytest.mark.parametrize(
    ("outcome", "tokens"),
    [
        (({"pageTokens": ["a", 7]}, {}), ["a", "7"]),
        (({"pageTokens": []}, {}), []),
        (({"pageTokens": "a"}, {}), None),
        (({}, {}), None),
        ((["a"], {}), None),
        *((refusal, None) for refusal in REFUSALS),
    ],
)
def test_partitions_are_the_tokens_that_are_listed(outcome: Outcome, tokens: list[str] | None) -> None:
    assert ask(Answering(outcome), lambda c: c.partitions(2)) == tokens


@pytest.mark.parametrize(
    ("outcome", "ids"),
    [
        (([{"id": "a"}, {"Id": "b"}, {"id": "c", "Id": "d"}, "e"], {}), ["a", "b", "c"]),
        (([], {}), []),
        (([{"id": "a"}] * 4, {}), ["a"] * 4),
        (([{"id": "a"}] * 5, {}), None),
        (({"id": "a"}, {}), None),
        *((refusal, None) for refusal in REFUSALS),
    ],
)
def test_deletes_that_fill_a_page_may_not_be_all(outcome: Outcome, ids: list[str] | None) -> None:
    assert ask(Answering(outcome), lambda c: c.deleted(1), limits=PageLimits(5)) == ids


@pytest.mark.parametrize("work", [lambda c: c.partitions(2), lambda c: c.deleted(1), lambda c: c.total()])
def test_an_api_in_trouble_is_an_error(work: Callable[[Collection], Any]) -> None:
    with pytest.raises(e.Unavailable):
        ask(Answering(e.Unavailable("x")), work)
