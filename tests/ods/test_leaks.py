"""Whatever fails, and however: no log, exception or repr holds the secret, a token or a student's data."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from edfi_cte.ods import EdFiClient, EdFiError
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import SECRET, FakeApi, Fault, StillClock, with_client
from tests.ods.faults import answers, lose_answer, reset, reset_in_body, stall

STUDENT, SURNAME, PERIOD = "ZQ-604822", "Featherstonehaugh", "2009-02-28"
DOCUMENT = {"studentUniqueId": STUDENT, "lastSurname": SURNAME, "birthDate": PERIOD}
ECHO = f"Student {STUDENT} (that is {SURNAME}), born {PERIOD}: the value '{SURNAME}' of '{STUDENT}' is \"{SURNAME}\"."
PLAIN = f"{SURNAME}, {STUDENT}: {SURNAME} was born on {PERIOD}."


async def _echo_request(api: FakeApi, request: web.Request) -> web.StreamResponse:
    """Everything the client sent, sent back as the reason: headers with the token, address, body."""
    sent = f"{dict(request.headers)} {request.raw_path} {await request.text()}"
    return web.json_response({"message": sent, "detail": sent, "type": sent, "errors": [sent]}, status=400)


FAULTS: dict[str, Fault] = {
    "text": answers(400, {"message": ECHO, "modelState": {"request.lastSurname": [ECHO], ECHO: [ECHO]}}),
    "problem": answers(
        400,
        {
            "type": "urn:ed-fi:api:bad-request:data-validation-failed",
            "detail": ECHO,
            "correlationId": ECHO,
            "errors": [ECHO],
            "validationErrors": {"$.studentUniqueId": [ECHO], ECHO: [ECHO]},
        },
    ),
    "conflict": answers(409, {"message": ECHO}),
    "html": answers(502, f"<html>{PLAIN}</html>".encode()),
    "no json": answers(200, PLAIN.encode()),
    "broken json": answers(200, b'[{"id": "' + PLAIN.encode()),
    "no rows": answers(200, {"id": PLAIN}),
    "redirect": answers(307, Location=f"https://elsewhere.example.gov/{STUDENT}?x={SURNAME}"),
    "token refused": answers(401, {"message": ECHO}),
    "reset": reset,
    "reset in body": reset_in_body,
    "lost": lose_answer,
    "stall": stall,
    "echo": _echo_request,
}


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Fill it with what a run wrote; its logs, of every library and level, come along."""
    texts: list[str] = []
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="asyncio"):
        yield texts


async def _every_verb(client: EdFiClient) -> list[BaseException]:
    calls = [
        lambda: client.upsert("students", DOCUMENT),
        lambda: client.put("students", "a" * 32, DOCUMENT, if_match="1"),
        lambda: client.delete("students", "a" * 32),
        lambda: client.get("students", "a" * 32),
        lambda: client.find("students", {"studentUniqueId": STUDENT, "lastSurname": SURNAME}),
        lambda: client.total_count("students", {"studentUniqueId": STUDENT}),
        lambda: client.token_info(),
        lambda: client.send("GET", f"ed-fi/students?studentUniqueId={STUDENT}"),
    ]
    caught = []
    for call in calls:
        try:
            await call()
        except EdFiError as error:
            caught.append(error)
    return caught


def _texts(error: BaseException | None) -> Iterator[str]:
    """All that may be shown of an error: its traceback, and each link of its chain even where that is suppressed."""
    while error is not None:
        yield "".join(traceback.format_exception(error))
        yield repr(error)
        yield str(vars(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("dialect", ["5.3", "7.3", "dms"])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_failing_run_writes_nothing_private(
    dialect: str, fault: str, written: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        api.faults = [FAULTS[fault]] * 1000
        errors = with_client(api, _every_verb, tries=2, connect_timeout=0.2, read_timeout=0.05)
        assert len(errors) >= (2 if fault in ("no json", "broken json", "no rows") else 5)
        for error in errors:
            written.extend(_texts(error))
        _assert_clean([*written, caplog.text], api)


@pytest.mark.parametrize("dialect", ["5.3", "7.3", "dms"])
def test_nor_does_an_api_that_repeats_the_documents_bare_words(dialect: str) -> None:
    async def work(client: EdFiClient) -> list[str]:
        texts: list[str] = []
        for call in (
            lambda: client.upsert("students", DOCUMENT),
            lambda: client.put("students", "a" * 32, DOCUMENT),
            lambda: client.find("students", DOCUMENT),
        ):
            with pytest.raises(EdFiError) as caught:
                await call()
            texts.extend(_texts(caught.value))
        return texts

    with FakeApi(DIALECTS[dialect]) as api:
        api.faults = [answers(400, {"message": PLAIN, "detail": PLAIN, "errors": [PLAIN]})] * 3
        _assert_clean(with_client(api, work), api)


@pytest.mark.parametrize("fault", ["text", "html", "no json", "redirect", "reset", "echo"])
def test_nor_does_one_that_gets_no_token(fault: str, written: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with FakeApi() as api:
        api.token_faults = [FAULTS[fault]] * 1000
        for error in with_client(api, _every_verb, tries=2):
            written.extend(_texts(error))
        _assert_clean([*written, caplog.text], api)


def test_nor_do_reprs() -> None:
    async def work(client: EdFiClient) -> list[str]:
        await client.upsert("students", DOCUMENT)
        return [repr(part) for part in (client, client.config, client._tokens, client._exchange, client._store)]

    with FakeApi() as api:
        _assert_clean(with_client(api, work, clock=StillClock()), api)


def test_nor_does_a_run_that_is_stopped(written: list[str], caplog: pytest.LogCaptureFixture) -> None:
    async def work(client: EdFiClient) -> None:
        await asyncio.wait_for(client.upsert("students", DOCUMENT), 0.1)

    with FakeApi() as api:
        api.faults = [stall]
        with pytest.raises(TimeoutError) as caught:
            with_client(api, work)
        written.extend(_texts(caught.value))
        _assert_clean([*written, caplog.text], api)


def _assert_clean(texts: list[Any], api: FakeApi) -> None:
    text = "\n".join(texts)
    assert text
    for private in (SECRET, STUDENT, "604822", SURNAME, PERIOD, *api.tokens):
        assert private.lower() not in text.lower()
