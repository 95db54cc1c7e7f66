"""What is read of an answer, and what of it is not believed."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from edfi_cte.ods import EdFiConfig, MalformedAnswer, RedirectRefused
from edfi_cte.ods.discovery import api_info
from edfi_cte.ods.message import Answer, Request, describe_body, is_page
from edfi_cte.ods.results import ChangeVersions, TokenInfo, WriteResult, change_versions, token_info, write_result
from edfi_cte.ods.transport import _redirected
from edfi_cte.ods.values import descriptor_uri
from edfi_cte.sync.checks import data_standard_of

ID = "0f8fad5bd9cb469fa16570867728950e"


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, CIMultiDict(headers), body)


@pytest.mark.parametrize(
    ("status", "headers", "result"),
    [
        (201, {"Location": f"http://inner/data/{ID}", "ETag": '"7"'}, WriteResult(201, ID, "7", True)),
        (200, {"Location": f"/{ID}", "ETag": 'W/"7"'}, WriteResult(200, ID, "7", False)),
        (200, {"Location": f"/{ID}/", "ETag": "7"}, WriteResult(200, None, "7", False)),
        (204, {"Location": "/login"}, WriteResult(204, None, None, False)),
        (204, {}, WriteResult(204, None, None, False)),
    ],
)
def test_a_writes_result_is_in_the_answers_headers(status: int, headers: dict[str, str], result: WriteResult) -> None:
    assert write_result(answer(status, **headers)) == result


NOBODY = TokenInfo(False, "", (), (), None)


@pytest.mark.parametrize(
    ("body", "info"),
    [
        ({}, NOBODY),
        ({"active": True}, NOBODY._replace(active=True)),
        ({"active": "true", "client_id": None}, NOBODY),
        (
            {"client_id": "k", "namespace_prefixes": ["uri://a", "uri://b"]},
            TokenInfo(False, "k", (), ("uri://a", "uri://b"), None),
        ),
        ({"namespace_prefixes": "uri://a", "education_organizations": {"x": 1}}, NOBODY),
        (
            {
                "education_organizations": [{"education_organization_id": n} for n in (7, "3", 7, None, "x")]
                + ["y", {}]
            },
            NOBODY._replace(education_organization_ids=(3, 7)),
        ),
        ({"claim_set": "SIS"}, NOBODY._replace(claim_set="SIS")),
        ({"claim_set": {"name": "SIS"}}, NOBODY._replace(claim_set="SIS")),
        ({"claim_set": {"name": 1}}, NOBODY),
        ({"claim_set": 1}, NOBODY),
    ],
)
def test_a_tokens_rights_are_what_the_answer_says_and_no_more(body: Any, info: TokenInfo) -> None:
    assert token_info(body, "POST x") == info


def test_a_tokens_rights_that_are_no_object_are_malformed() -> None:
    with pytest.raises(MalformedAnswer, match="POST x was answered with no JSON object"):
        token_info([], "POST x")


NO_NUMBERS = [None, -1, 1.5, float("inf"), 10**400, True, "9" * 5000, [], "newest"]
"""What no 64 bits of the ledger hold, or Python counts with unasked."""


@pytest.mark.parametrize(
    "body",
    [{"OldestChangeVersion": 1, "NewestChangeVersion": 9}, {"oldestChangeVersion": "1", "newestChangeVersion": "9"}],
)
def test_change_versions_are_read_in_either_case(body: Any) -> None:
    assert change_versions(body, "GET x") == ChangeVersions(1, 9)


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        {},
        {"oldestChangeVersion": 1},
        *({"oldestChangeVersion": 1, "newestChangeVersion": none} for none in NO_NUMBERS),
        *({"oldestChangeVersion": none, "newestChangeVersion": 1} for none in NO_NUMBERS),
    ],
)
def test_change_versions_that_are_not_both_there_are_malformed(body: Any) -> None:
    with pytest.raises(MalformedAnswer, match="GET x was answered without"):
        change_versions(body, "GET x")


ROOT = {"version": "7.3", "urls": {"dataManagementApi": "https://a.example.gov/data/v3"}}
CONFIG = EdFiConfig(base_url="https://a.example.gov", client_id="key", client_secret="secret")
ODD = [None, 3, True, "x", [], [None], ["x"], {"a": 1}, float("inf")]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["version", "apiMode", "dataModels"])
def test_a_root_document_with_something_odd_beside_its_addresses_is_read(name: str, odd: Any) -> None:
    info = api_info(ROOT | {name: odd}, CONFIG)
    assert (info.data_url, info.data_standard, info.extensions) == ("https://a.example.gov/data/v3", "", {})


@pytest.mark.parametrize(
    "odd", ["9" * 5000 + ".1", "7." + "9" * 5000, "7.3\n", "\0", "7.3 \u202e", "7" * 41, 7.3, {}]
)
def test_a_version_that_can_be_none_is_unknown(odd: Any) -> None:
    models = [{"name": "Ed-Fi", "version": odd}, {"name": "TPDM", "version": odd}, {"name": odd, "version": "1"}]
    info = api_info(ROOT | {"version": odd, "dataModels": models}, CONFIG)
    assert str(info) == "ODS/API of unknown version, data standard unknown"
    assert info.extensions == {"TPDM": ""}


@pytest.mark.parametrize("number", ["9" * 40, "99999.1", "7.99999999"])
def test_a_version_with_numbers_of_any_length_is_read(number: str) -> None:
    info = api_info(ROOT | {"version": number, "dataModels": [{"name": "Ed-Fi", "version": number}]}, CONFIG)
    assert (info.version, info.data_standard) == (number, number)
    assert len(data_standard_of(info)) == 2


@pytest.mark.parametrize(("length", "taken"), [(1000, True), (1001, False)])
def test_an_address_is_no_longer_than_the_ledger_can_hold(length: int, taken: bool) -> None:
    address = "https://a.example.gov/data/v3".replace("/data", "/" + "x" * (length - 30) + "/data")
    assert len(address) == length
    root = {"urls": {"dataManagementApi": address}}
    if taken:
        assert api_info(root, CONFIG).data_url == address
        return
    with pytest.raises(MalformedAnswer, match="an address of more than 1000 characters"):
        api_info(root, CONFIG)


@pytest.mark.parametrize("name", ["dataManagementApi", "oauth", "tokenInfo", "changeQueries", "another"])
def test_a_root_document_that_names_an_address_that_is_none_is_malformed(name: str) -> None:
    urls = {"dataManagementApi": "https://a.example.gov/data/v3", name: "http://[/data/v3"}
    with pytest.raises(MalformedAnswer, match=r"^The root document names an address that is none"):
        api_info({"urls": urls}, CONFIG)


@pytest.mark.parametrize("value", [rb'"\ud800"', b"NaN", b"-Infinity", b"1e400", b'"\xff"', b"[" * 100_000])
def test_what_no_ledger_can_hold_is_no_json(value: bytes) -> None:
    """Python's own reader takes half of a character, and numbers that JSON does not know (RFC 8259)."""
    with pytest.raises(MalformedAnswer, match="GET x was answered with a broken JSON text, not JSON"):
        answer(body=b'{"endDate": ' + value + b"}").json("GET x")


@pytest.mark.parametrize(
    ("body", "page", "said"),
    [
        (b"", False, "an empty body"),
        (b" \r\n ", False, "an empty body"),
        (b"\n <HTML>", True, "an HTML page (a gateway's, not the API's)"),
        (b"<!DOCTYPE html><html>", True, "an HTML page (a gateway's, not the API's)"),
        (b"<Error/>", True, "a text"),
        (b'{"id":', False, "a broken JSON text"),
        (b"[", False, "a broken JSON text"),
        (b"604822", False, "a text"),
    ],
)
def test_a_body_is_told_by_its_kind_and_never_quoted(body: bytes, page: bool, said: str) -> None:
    assert (is_page(answer(body=body)), describe_body(answer(body=body))) == (page, said)


def test_a_text_that_is_no_json_is_malformed_and_takes_no_quote_of_it_along() -> None:
    with pytest.raises(MalformedAnswer, match=r"^GET x was answered with a broken JSON text, not JSON\.") as caught:
        answer(502, b'{"id": 604822').json("GET x")
    assert caught.value.status == 502
    assert caught.value.__context__ is None
    assert answer(body=b'\xef\xbb\xbf{"a": 1}').json("GET x") == {"a": 1}, "a byte order mark does no harm"


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (299, True), (300, False)])
def test_a_success_is_any_status_of_200_to_299(status: int, ok: bool) -> None:
    assert answer(status).ok is ok


@pytest.mark.parametrize(("method", "write"), [("GET", False), ("HEAD", False), ("OPTIONS", False), ("DELETE", True)])
def test_what_is_not_known_to_only_read_is_a_write(method: str, write: bool) -> None:
    assert Request(method, URL("https://h/"), method).is_write is write


@pytest.mark.parametrize(
    ("method", "status", "at", "to", "followed"),
    [
        ("POST", 307, "https://h/a", "https://h/b", True),
        ("POST", 308, "https://h/a", "/b", True),
        ("POST", 308, "http://h/a", "https://h/b", True),
        ("GET", 301, "https://h/a", "/b", True),
        ("GET", 302, "https://h/a", "/b", True),
        ("POST", 301, "https://h/a", "/b", False),
        ("POST", 302, "https://h/a", "/b", False),
        ("GET", 303, "https://h/a", "/b", False),
        ("GET", 300, "https://h/a", "/b", False),
        ("GET", 307, "https://h/a", "http://h/b", False),
        ("GET", 307, "https://h/a", "https://h:8443/b", False),
        ("GET", 307, "https://h/a", "https://i/b", False),
        ("GET", 307, "http://h/a", "https://i/b", False),
        ("GET", 307, "http://h/a", "http://h:81/b", False),
        ("GET", 307, "http://h/a", "ftp://h/b", False),
        ("GET", 307, "https://h/a", "http://[", False),
        ("GET", 307, "https://h/a", "https://xn--/b", False),
        ("GET", 307, "https://h/a", "https://i\x01\x00/b", False),
        ("GET", 307, "https://h/a", "https://i\udcff/b", False),
        ("GET", 307, "https://h/a", f"https://{'i' * 254}/b", False),
    ],
)
def test_a_redirect_is_followed_to_the_same_origin_or_its_https_twin_alone(
    method: str, status: int, at: str, to: str, followed: bool
) -> None:
    request = Request(method, URL(at), f"{method} things")
    if followed:
        assert _redirected(request, URL(at), answer(status, Location=to)) == URL(at).join(URL(to))
        return
    with pytest.raises(RedirectRefused, match=f"{method} things was redirected to ") as caught:
        _redirected(request, URL(at), answer(status, Location=to))
    assert caught.value.status == status
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


SPACE = "uri://ed-fi.org/CTEProgramServiceDescriptor"


@pytest.mark.parametrize(
    ("document", "uri"),
    [
        ({"namespace": SPACE, "codeValue": "Health Science"}, f"{SPACE}#Health Science"),
        ({"namespace": "n" * 255, "codeValue": "c" * 50}, "n" * 255 + "#" + "c" * 50),
        ({"namespace": "n" * 255, "codeValue": "c" * 51}, None),
        ({"namespace": SPACE}, None),
        ({"codeValue": "1"}, None),
        *(({"namespace": SPACE, "codeValue": odd}, None) for odd in ("", None, 1, [], {}, "\0", "\u202e")),
        *(({"namespace": odd, "codeValue": "1"}, None) for odd in ("", None, 1, [], {}, "\0", "\u202e")),
    ],
)
def test_a_descriptor_without_a_uri_is_none(document: dict[str, Any], uri: str | None) -> None:
    assert descriptor_uri(document) == uri
