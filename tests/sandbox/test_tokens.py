"""The token endpoint and token_info, row by row."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.sandbox.answers import SEE_ERRORS, Answer, check, problem
from tests.sandbox.target import ASSOCIATIONS, FORM, JSON, WORLD, Target

INVALID_TOKEN = "An invalid token was provided"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def error(status: int, name: str) -> Answer:
    return status, {"error": name}


def malformed(text: str = "Malformed Authorization header") -> Answer:
    return problem(400, "bad-request", SEE_ERRORS, text, dms=True)


@dataclass(frozen=True)
class Case:
    """A token request that fails: its header and form, and the answers."""

    proof = "ODS TokenController and ClientCredentialsTokenRequestProvider of each version; DMS Token, Connect"

    name: str
    header: str | None
    answers: Mapping[str, Answer]
    form: Mapping[str, str] = field(default_factory=lambda: {"grant_type": "client_credentials"})


LATER = ("6.2", "7.1", "7.3")
WRONG_CLIENT_DMS = problem(401, "unauthorized", "Invalid client or Invalid client credentials", dms=True)
CASES = [
    Case(
        "wrong secret",
        basic("{key}:wrong"),
        {
            "5.3": error(400, "invalid_client"),
            **dict.fromkeys(LATER, error(401, "invalid_client")),
            "dms": WRONG_CLIENT_DMS,
        },
    ),
    Case(
        "wrong key",
        basic("nobody:{secret}"),
        {
            "5.3": error(400, "invalid_client"),
            **dict.fromkeys(LATER, error(401, "invalid_client")),
            "dms": WRONG_CLIENT_DMS,
        },
    ),
    Case(
        "no credentials",
        None,
        {
            "5.3": (401, None),
            **dict.fromkeys(LATER, error(401, "invalid_request")),
            "dms": malformed(),
        },
    ),
    Case(
        "malformed header",
        "Basic",
        {
            "5.3": (401, None),
            **dict.fromkeys(LATER, error(400, "invalid_request")),
            "dms": malformed(),
        },
    ),
    Case(
        "header that isn't base64",
        "Basic !!",
        {**dict.fromkeys(("5.3", *LATER), error(400, "invalid_request")), "dms": malformed()},
    ),
    Case(
        "another scheme",
        "Digest abc",
        {**dict.fromkeys(("5.3", *LATER), error(401, "invalid_client")), "dms": malformed()},
    ),
    Case(
        "credentials in header and body",
        basic("{key}:{secret}"),
        dict.fromkeys(("5.3", *LATER), error(400, "invalid_client")),
        {"grant_type": "client_credentials", "client_id": "{key}", "client_secret": "{secret}"},
    ),
    Case(
        "wrong grant type",
        basic("{key}:{secret}"),
        {
            **dict.fromkeys(("5.3", *LATER), error(400, "unsupported_grant_type")),
            "dms": malformed("unsupported_grant_type"),
        },
        {"grant_type": "password"},
    ),
    Case(
        "scope that is no number",
        basic("{key}:{secret}"),
        dict.fromkeys(
            ("5.3", *LATER),
            (400, {"error": "invalid_scope", "error_description": "The supplied 'scope' was not a number."}),
        ),
        {"grant_type": "client_credentials", "scope": "all"},
    ),
]


def filled(text: str, target: Target) -> str:
    if not text.startswith("Basic ") or "!" in text:
        return text.replace("{key}", target.key).replace("{secret}", target.secret)
    decoded = base64.b64decode(text.removeprefix("Basic ")).decode()
    return basic(filled(decoded, target))


@pytest.mark.cases(CASES)
def test_a_token_request_is_refused(target: Target, case: Case) -> None:
    headers = {} if case.header is None else {"Authorization": filled(case.header, target)}
    form = {name: filled(value, target) for name, value in case.form.items()}
    answer = target.http.post(target.urls["oauth"], headers=headers, data=form)
    check(answer, case.answers[target.dialect], target.dialect)


@pytest.mark.proven("Postman Integration: Authentication; ODS TokenController; DMS Connect")
def test_a_token_is_granted_for_basic_credentials(target: Target) -> None:
    answer = target.token_request(target.key, target.secret)
    document = answer.json()
    assert answer.status_code == 200
    assert document["token_type"] == ("Bearer" if target.dialect == "dms" else "bearer")
    assert document["expires_in"] > 0
    assert target.http.get(
        target.data_url + ASSOCIATIONS, headers={"Authorization": f"Bearer {document['access_token']}"}
    ).is_success


@pytest.mark.dialects("5.3", "6.2", "7.1", "7.3")
@pytest.mark.parametrize("content_type", [FORM, JSON])
@pytest.mark.proven("ODS ClientCredentialsTokenRequestProvider; DMS Token")
def test_a_token_is_granted_for_credentials_in_the_body(target: Target, content_type: str) -> None:
    fields = {"grant_type": "CLIENT_CREDENTIALS", "client_id": target.key, "client_secret": target.secret}
    body: dict[str, Any] = {"data": fields} if content_type == FORM else {"json": fields}
    assert target.http.post(target.urls["oauth"], **body).status_code == 200


@pytest.mark.proven("ODS TokenController [Consumes]; v7.3 OAuthContentTypeValidationMiddleware")
def test_another_content_type_is_refused_by_an_ods(target: Target) -> None:
    answer = target.http.post(
        target.urls["oauth"],
        content=b"grant_type=client_credentials",
        headers={"Content-Type": "text/plain", "Authorization": basic(f"{target.key}:{target.secret}")},
    )
    if target.dialect == "dms":
        assert answer.status_code == 200
    elif target.dialect == "7.3":
        detail = "The request construction was invalid."
        text = "The value specified in the 'Content-Type' header is not supported by this host."
        check(answer, problem(415, "unsupported-media-type", detail, text), target.dialect)
    else:
        assert answer.status_code == 415


@pytest.mark.needs_seeding
@pytest.mark.dialects("6.2", "7.3")
@pytest.mark.proven("ODS ClientCredentialsTokenRequestProvider: invalid_scope")
def test_a_scope_narrows_the_token_to_one_organization(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("two", "two", education_organizations=[WORLD.district, 1])
    narrowed = target.token_request("two", "two", scope="1").json()
    assert narrowed["scope"] == "1"
    headers = {"Authorization": f"Bearer {narrowed['access_token']}"}
    assert target.http.get(f"{target.data_url}/ed-fi/students", headers=headers).json() == []
    foreign = target.token_request("two", "two", scope="2")
    assert foreign.status_code == 400
    assert foreign.json()["error"] == "invalid_scope"


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS v7.3 TooManyTokensException, BearerTokenPerClientLimit")
def test_more_live_tokens_than_a_client_may_hold(target: Target) -> None:
    statuses = [target.token_request(target.key, target.secret).status_code for _ in range(16)]
    assert statuses == [200] * 15 + [429 if target.dialect == "7.3" else 200]
    if target.dialect == "7.3":
        refused = target.token_request(target.key, target.secret)
        expected = problem(
            429,
            "security:authentication:too-many-tokens",
            "The caller has authenticated too many times in too short of a time period.",
            "Too many access tokens have been requested (limit is 15). Access tokens should be reused until they "
            "expire.",
        )
        check(refused, expected, target.dialect)


HEADERS = {
    "no header": (None, "Authorization header is missing."),
    "another scheme": ("Basic abc", "Unknown Authorization header scheme."),
    "blank": ("", "Invalid Authorization header."),
    "no token": ("Bearer", "Missing Authorization header bearer token value."),
    "garbage": ("Bearer 0123", "Invalid token"),
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.proven(
    "ODS authentication challenge (to 7.1), v7.3 EdFiApiAuthenticationMiddleware; DMS JwtAuthenticationMiddleware"
)
def test_a_request_without_a_valid_token_is_refused(target: Target, header: str) -> None:
    value, reason = HEADERS[header]
    headers = {} if value is None else {"Authorization": value}
    asked = [
        target.http.get(target.data_url + ASSOCIATIONS, headers=headers),
        target.http.post(f"{target.urls['oauth']}_info", json={"token": target.token()}, headers=headers),
    ]
    for answer in asked:
        check(answer, unauthenticated(target.dialect, reason), target.dialect)


def unauthenticated(dialect: str, reason: str) -> Answer:
    if dialect in ("5.3", "6.2", "7.1"):
        return 401, None
    return problem(401, "security:authentication", "The caller could not be authenticated.", reason)


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS BearerTokenTimeoutMinutes; to revoke is the sandbox's own")
def test_tokens_expire_and_can_be_revoked(target: Target) -> None:
    assert target.control is not None
    target.token()
    assert target.control.revoke_tokens() == 1
    assert target.get(ASSOCIATIONS).status_code == 401
    target.forget_tokens()
    target.control.set_token_lifetime(0)
    assert target.get(ASSOCIATIONS).status_code == 401
    target.control.set_token_lifetime(1800)
    target.forget_tokens()
    assert target.get(ASSOCIATIONS).status_code == 200


# token_info


def token_info(target: Target, token: str | None, bearer: str = "") -> httpx.Response:
    return target.http.post(
        f"{target.urls['oauth']}_info",
        json={} if token is None else {"token": token},
        headers={"Authorization": f"Bearer {bearer or target.token()}"},
    )


@pytest.mark.proven("ODS TokenInfoController, TokenInfo; DMS Security/TokenIntrospection")
def test_token_info_tells_what_a_token_is_good_for(target: Target) -> None:
    document = token_info(target, target.token()).json()
    assert document["active"] is True
    assert document["client_id"] == target.key
    assert WORLD.district in [row["education_organization_id"] for row in document["education_organizations"]]
    assert ("claim_set" in document) == (target.dialect in ("7.3", "dms"))


@pytest.mark.parametrize("token", [None, "0" * 32], ids=["missing", "unknown"])
@pytest.mark.proven(
    "Postman ResponseTests: when_retrieving_token_info_without_providing_a_token, using_an_invalid_token"
)
def test_token_info_of_no_token(target: Target, token: str | None) -> None:
    answer = token_info(target, token)
    if target.dialect in ("7.3", "dms"):
        expected = problem(400, "bad-request", SEE_ERRORS, INVALID_TOKEN, dms=target.dialect == "dms")
        check(answer, expected, target.dialect)
    elif token is None:
        assert answer.status_code == 400
        assert answer.json()["message"] == "Invalid token"
    else:
        assert answer.status_code == 404


@pytest.mark.needs_seeding
@pytest.mark.proven("Postman ResponseTests: when_retrieving_token_info_using_a_mismatched_token")
def test_token_info_of_another_clients_token(target: Target) -> None:
    assert target.control is not None
    target.control.add_client("other", "other", education_organizations=[WORLD.district])
    answer = token_info(target, target.token("other", "other"))
    assert answer.status_code == (400 if target.dialect in ("7.3", "dms") else 401)
