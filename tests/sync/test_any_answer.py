"""Whatever the ODS answers, a run ends well or with a sentence of ours, and the next good run puts all right.

Answers are changed on their way by the seed: their status, a header, their bytes, or a value anywhere in their JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from edfi_cte.errors import EdfiCteError
from edfi_cte.ods.message import Answer, Request
from tests.sync.world import World

Tamper = Callable[[Request, Answer], Answer]

VALUES = (None, 3, -1, 1.5, True, "", "x", [], {}, [1], [[]], {"a": 1}, 10**30, "9" * 3000, "\0", "\ud800", "\u202e")
VALUES += ("2026-13-45", "uri://x", ["a", {"b": None}], float("nan"), 1e308)
STATUSES = (200, 201, 204, 302, 304, 400, 401, 403, 404, 405, 409, 410, 412, 422, 429, 500, 502, 503, 504, 599)
HEADERS = ("Location", "ETag", "Total-Count", "Next-Page-Token", "Retry-After", "Date", "Content-Type")
WORTH = ("", "x", "-1", "9" * 3000, "\u202e", "http://[", "https://xn--/", "0", "1e5", "Mon, 99 Foo 2020", 'W/"')
BODIES = (b"", b"null", b"[]", b"{}", b"NaN", b"\xff\xfe", b"<html>", b"[" * 5000)


def other(draw: Random, node: Any) -> Any:
    """The JSON with one value, anywhere in it, left out or put in the place of another."""
    if isinstance(node, dict) and node and draw.random() < 0.85:
        name = draw.choice(list(node))
        left = {key: value for key, value in node.items() if key != name}
        return left if draw.random() < 0.15 else node | {name: other(draw, node[name])}
    if isinstance(node, list) and node and draw.random() < 0.85:
        place = draw.randrange(len(node))
        return [*node[:place], other(draw, node[place]), *node[place + 1 :]]
    return draw.choice(VALUES)


def tampering(draw: Random, rate: float) -> Tamper:
    def tamper(request: Request, answer: Answer) -> Answer:
        if draw.random() > rate:
            return answer
        headers = dict(answer.headers.items())
        match draw.choice(("status", "header", "bytes", "half", *["json"] * 5)):
            case "status":
                return answer._replace(status=draw.choice(STATUSES))
            case "header":
                return answer._replace(headers=headers | {draw.choice(HEADERS): draw.choice(WORTH)})
            case "bytes":
                return answer._replace(body=draw.choice(BODIES))
            case "half":
                return answer._replace(body=answer.body[: len(answer.body) // 2])
        try:
            body = json.dumps(other(draw, json.loads(answer.body))).encode()
        except ValueError:
            body = b"{}"
        return answer._replace(status=draw.choice((answer.status, answer.status, 400)), body=body)

    return tamper


@pytest.mark.parametrize("seed", [*range(16), 131, 224])
def test_a_run_ends_well_or_with_a_sentence_of_ours(
    world: World, between: Callable[[Tamper], None], monkeypatch: pytest.MonkeyPatch, seed: int
):
    monkeypatch.setattr("edfi_cte.ods.retry._FIRST_WAIT", 0.001)
    monkeypatch.setattr("edfi_cte.sync.reading.LOOK_AGAIN", 0.001)
    world.settings["guards"] = {"max_delete_fraction": 1}
    draw = Random(seed)  # noqa: S311 - no secret
    for number in range(1, 8):
        world.campus.add(number, person=number)
    if draw.random() < 0.7:
        world.run()
        world.campus.remove(draw.randint(1, 7))
    tampered = tampering(draw, draw.choice((0.05, 0.2, 0.6)))
    as_it_is: Tamper = lambda _request, answer: answer  # noqa: E731
    said = []
    for way, whole in ((tampered, False), (tampered, True), (as_it_is, True), (as_it_is, True)):
        between(way)
        try:
            world.run(whole_resync=whole)
        except EdfiCteError as stopped:
            said.append(" ".join(str(stopped).split()))
        world.let_leases_run_out()
    assert world.there() == world.expected()
    assert [sentence for sentence in said if not sentence.isprintable()] == []
