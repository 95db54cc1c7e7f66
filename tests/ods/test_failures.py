"""What each way of getting no answer is called, and whether a write may have been carried out."""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from edfi_cte.ods import AnswerTooLarge, EdFiClient, EdFiConfig, EdFiError, RedirectRefused
from edfi_cte.ods import errors as e
from edfi_cte.ods.message import Answer, Request
from edfi_cte.ods.tls import not_accepted
from edfi_cte.ods.transport import _failure, _proxy
from tests.ods.fake_api import FakeApi, read, upsert, with_client
from tests.ods.faults import answers

KEY = cast("Any", SimpleNamespace(host="ods.example.gov", port=443, is_ssl=True, ssl=True))
PROXIED = cast("Any", SimpleNamespace(real_url=URL("https://h/")))


def os_error(text: str | None) -> OSError:
    return OSError(1, text)


def alert() -> OSError:
    error = ssl.SSLError(1, "alert")
    error.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    behind = aiohttp.ClientOSError("broke")
    behind.__cause__ = error
    return behind


FAILURES: list[tuple[Exception, type[EdFiError], str, bool]] = [
    (
        aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("604822")),
        e.TlsFailed,
        "the TLS certificate was not accepted, that of h:8443.",
        False,
    ),
    (
        aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1),
        e.TlsFailed,
        "the TLS certificate was not accepted, that of h:8443.",
        False,
    ),
    (alert(), e.TlsFailed, "h:8443 wants a client certificate, or does not take the one it was shown.", False),
    (
        aiohttp.ClientConnectorSSLError(KEY, os_error("wrong version")),
        e.TlsFailed,
        "h:8443 speaks no TLS that this machine takes (wrong version).",
        False,
    ),
    (
        aiohttp.ClientHttpProxyError(PROXIED, (), status=407),
        e.Unreachable,
        "the proxy refuses to connect to h:8443 (407).",
        False,
    ),
    (
        aiohttp.ClientConnectorDNSError(KEY, os_error("no name")),
        e.Unreachable,
        "the host name ods.example.gov is not known.",
        False,
    ),
    (
        aiohttp.ClientConnectorError(KEY, os_error("no route")),
        e.Unreachable,
        "ods.example.gov:443 cannot be reached (no route).",
        False,
    ),
    (
        aiohttp.ClientConnectorError(KEY, os_error("")),
        e.Unreachable,
        "ods.example.gov:443 cannot be reached (refused).",
        False,
    ),
    (aiohttp.ConnectionTimeoutError("x"), e.TimedOut, "no connection to h:8443 within the connect_timeout.", False),
    (aiohttp.SocketTimeoutError("x"), e.TimedOut, "h:8443 did not answer in time.", True),
    (TimeoutError("x"), e.TimedOut, "h:8443 did not answer in time.", True),
    (
        aiohttp.ServerDisconnectedError("604822"),
        e.ConnectionLost,
        "the connection to h:8443 broke (ServerDisconnectedError).",
        True,
    ),
    (
        ConnectionResetError("604822"),
        e.ConnectionLost,
        "the connection to h:8443 broke (ConnectionResetError).",
        True,
    ),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("error", "kind", "said", "in_doubt"), FAILURES, ids=range(len(FAILURES)))
def test_each_failure_is_of_its_class_and_says_nothing_of_the_query(
    error: Exception, kind: type[EdFiError], said: str, in_doubt: bool, method: str
) -> None:
    request = Request(method, URL("https://h:8443/x?id=604822"), f"{method} x")
    found = _failure(error, request)
    assert (type(found), found.message) == (kind, f"{method} x: {said}")
    assert found.outcome_unknown is (in_doubt and method == "POST")
    assert ("https" in found.advice) == ("speaks no TLS" in said)


@pytest.mark.parametrize(
    ("code", "message", "said", "advice"),
    [
        (10, "m", "has expired, that of h.", "renew it"),
        (9, "m", "is not valid yet, that of h.", "this machine's clock"),
        *((code, "m", "is for another name than h.", "Write the host") for code in (62, 64)),
        *((code, "m", "authority is not known to this machine", "ca_bundle") for code in (2, 18, 19, 20, 21)),
        *((code, "m", "breaks the X.509 standard (m), that of h.", "Python 3.13") for code in (79, 80, 93)),
        *((code, "m", "was not accepted (m), that of h.", "certificate") for code in (0, 1, 3, 8, 11, 17, 22)),
        *((code, "m", "was not accepted (m), that of h.", "certificate") for code in (61, 63, 65, 78, 94, None)),
        (1, "", "was not accepted, that of h.", "certificate"),
    ],
)
def test_a_certificates_fault_is_told_by_its_code(code: int | None, message: str, said: str, advice: str) -> None:
    error = ssl.SSLCertVerificationError("604822")
    if code is not None:
        error.verify_code = code
    error.verify_message = message
    found = not_accepted(error, "GET x", "h")
    assert found.message.startswith("GET x: the TLS certificate")
    assert said in found.message
    assert advice in found.advice


@pytest.mark.parametrize(
    ("proxy", "found"), [(None, "http://env:1"), ("none", None), ("http://own:2", "http://own:2")]
)
def test_the_connections_own_proxy_comes_first(
    monkeypatch: pytest.MonkeyPatch, proxy: str | None, found: str | None
) -> None:
    monkeypatch.setenv("https_proxy", "http://env:1")
    monkeypatch.delenv("no_proxy", raising=False)
    config = EdFiConfig(base_url="https://ods.example.gov", client_id="k", client_secret="s", proxy=proxy)
    assert _proxy(config) == found


def test_where_no_proxy_is_named_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    config = EdFiConfig(base_url="https://ods.example.gov", client_id="k", client_secret="s")
    assert _proxy(config) is None


async def unchecked(client: EdFiClient) -> Answer:
    return await client.send("GET", "ed-fi/students", check=False)


@pytest.mark.parametrize(("status", "location"), [(299, True), (304, False), (399, False), (400, True), (409, True)])
def test_an_answer_that_is_no_redirect_is_an_answer(api: FakeApi, status: int, location: bool) -> None:
    body = b"" if status == 304 else {"message": "…"}
    api.fail(answers(status, body, **({"Location": "https://elsewhere.example.gov/"} if location else {})))
    assert with_client(api, unchecked).status == status


@pytest.mark.parametrize("status", [300, 303, 305, 399])
def test_a_redirect_of_another_kind_is_refused(api: FakeApi, status: int) -> None:
    api.fail(answers(status, b"", Location="/data/v3/ed-fi/students"))
    with pytest.raises(RedirectRefused, match="was redirected to 127") as caught:
        with_client(api, unchecked)
    assert caught.value.status == status
    assert len(api.data_requests()) == 1


@pytest.mark.parametrize("size", [999, 1000, 1001, 5000])
@pytest.mark.parametrize("kind", ["whole", "pieces", "packed"])
def test_an_answer_may_be_as_large_as_the_bound_and_no_larger(api: FakeApi, size: int, kind: str) -> None:
    async def sized(api: FakeApi, request: web.Request) -> web.StreamResponse:
        body = b"[]" + b" " * (size - 2)
        if kind != "pieces":
            response = web.Response(body=body, headers={"Total-Count": "0"}, content_type="application/json")
            if kind == "packed":
                response.enable_compression(web.ContentCoding.gzip)
            return response
        stream = web.StreamResponse(headers=CIMultiDict({"Total-Count": "0"}))
        stream.enable_chunked_encoding()
        await stream.prepare(request)
        for start in range(0, size, 100):
            await stream.write(body[start : start + 100])
            await asyncio.sleep(0)
        await stream.write_eof()
        return stream

    api.fail(sized)
    if size <= 1000:
        assert with_client(api, read, max_answer_bytes=1000) == []
        return
    with pytest.raises(AnswerTooLarge, match="was answered with more than 1000 bytes") as caught:
        with_client(api, read, max_answer_bytes=1000)
    assert caught.value.status == 200


def test_a_refused_write_and_a_read_share_no_headers(api: FakeApi) -> None:
    with_client(api, upsert)
    with_client(api, read)
    token, *_ = [seen for seen in api.seen if seen.path.endswith("/oauth/token")]
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert token.headers["Authorization"].startswith("Basic ")
    written, found = api.data_requests()
    assert written.headers["Content-Type"] == "application/json"
    assert "Content-Type" not in found.headers
    for seen in (written, found):
        assert seen.headers["Authorization"].startswith("Bearer ")
        assert (seen.headers["Accept"], seen.headers["User-Agent"]) == ("application/json", "edfi-cte")
