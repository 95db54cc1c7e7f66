"""The token endpoint and token_info (ODS `TokenController`, `TokenInfoController`)."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

from sandbox.ods.clients import Client, Clients, Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.store import Store

_FORM = "application/x-www-form-urlencoded"
_NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]


class _Refusal(Exception):
    """A token request refused in OAuth's own words (`error` None: an empty body)."""

    def __init__(self, status: int, error: str | None, description: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def as_failure(self) -> Failure:
        """The same as the Data Management Service says it."""
        if self.status == 401:
            return Failure(Kind.TOKEN_CLIENT)
        malformed = "Malformed Authorization header"
        return Failure(Kind.TOKEN_REQUEST, message=malformed if self.error == "invalid_request" else self.error)


def token(request: Request, clients: Clients, dialect: Dialect) -> Response:
    """POST /oauth/token."""
    try:
        document = _grant(request, clients, dialect)
    except _Refusal as refusal:
        if dialect.token_problem_details:
            raise refusal.as_failure() from None
        if refusal.error is None:
            return Response(refusal.status)
        body = {"error": refusal.error}
        if refusal.description:
            body["error_description"] = refusal.description
        return json_response(refusal.status, body)
    return json_response(200, document, _NO_STORE)


def _grant(request: Request, clients: Clients, dialect: Dialect) -> dict[str, Any]:
    answers = dialect.token
    form = _form(request, dialect)
    key, secret = _credentials(request, form, dialect)
    if form.get("grant_type", "").lower() != "client_credentials":
        raise _Refusal(*answers.wrong_grant)
    client = clients.authenticate(key, secret)
    if client is None:
        raise _Refusal(*answers.wrong_secret)
    organizations = _scope(form.get("scope", ""), client)
    access_token = clients.issue(client, organizations, dialect.token_limit)
    document: dict[str, Any] = {
        "access_token": access_token,
        "expires_in": int(clients.lifetime),
        "token_type": dialect.token_type,
    }
    if form.get("scope"):
        document["scope"] = form["scope"]
    return document


def _form(request: Request, dialect: Dialect) -> dict[str, str]:
    """The fields of a form or JSON body, names in lower case."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        try:
            fields = request.json()
        except ValueError:
            raise Failure(Kind.EMPTY_BODY) from None
        if not isinstance(fields, dict):
            raise Failure(Kind.EMPTY_BODY)
        return {str(name).lower(): str(value) for name, value in fields.items() if value is not None}
    if media_type != _FORM and dialect.token_checks_media_type:
        missing = "The 'Content-Type' header is missing."
        wrong = "The value specified in the 'Content-Type' header is not supported by this host."
        raise Failure(Kind.MEDIA_TYPE, message=wrong if media_type else missing)
    text = request.body.decode("utf-8", "replace")
    return {name.lower(): value for name, value in parse_qsl(text, keep_blank_values=True)}


def _credentials(request: Request, form: dict[str, str], dialect: Dialect) -> tuple[str, str]:
    """Key and secret, from the Basic header or from the body, never from both."""
    answers = dialect.token
    header = request.headers.get("authorization")
    in_body = bool(form.get("client_id") or form.get("client_secret"))
    if header is None:
        if not in_body:
            raise _Refusal(*answers.no_credentials)
        return form.get("client_id", ""), form.get("client_secret", "")
    scheme, separator, encoded = header.partition(" ")
    if not separator or " " in encoded:
        raise _Refusal(*answers.malformed_header)
    if scheme.lower() != "basic":
        raise _Refusal(*answers.other_scheme)
    try:
        key, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _Refusal(400, "invalid_request") from None
    if not colon or ":" in secret:
        raise _Refusal(400, "invalid_client")
    if in_body:
        raise _Refusal(*answers.both_places)
    return key, secret


def _scope(scope: str, client: Client) -> frozenset[int]:
    """The education organizations that a token speaks for: the client's, or the one named in `scope`."""
    if not scope:
        return client.education_organizations
    if not scope.isascii() or not scope.isdigit():
        raise _Refusal(400, "invalid_scope", "The supplied 'scope' was not a number.")
    if int(scope) not in client.education_organizations:
        raise _Refusal(
            400,
            "invalid_scope",
            "The client is not explicitly associated with the EducationOrganizationId specified in the requested "
            "'scope'.",
        )
    return frozenset({int(scope)})


def token_info(request: Request, session: Session, clients: Clients, store: Store, dialect: Dialect) -> Response:
    """POST /oauth/token_info: what a token is good for."""
    named = _form(request, dialect).get("token", "")
    if not named:
        raise Failure(Kind.TOKEN_INFO)
    described = clients.session(named)
    if described is None:
        raise Failure(Kind.TOKEN_INFO_UNKNOWN)
    if described.client.key != session.client.key:
        raise Failure(Kind.TOKEN_INFO_FOREIGN)
    return json_response(200, _description(described, store, dialect), [("Cache-Control", "no-cache")])


def _description(session: Session, store: Store, dialect: Dialect) -> dict[str, Any]:
    client = session.client
    document: dict[str, Any] = {
        "active": True,
        "client_id": client.key,
        "namespace_prefixes": list(client.namespace_prefixes),
        "education_organizations": [
            description
            for number in sorted(session.education_organizations)
            if (description := _organization(number, store))
        ],
        "student_identification_system": None,
        "assigned_profiles": [],
    }
    if dialect.token_info_has_claims:
        document["claim_set"] = {"name": client.claim_set}
        document["resources"] = [
            {"resource": f"/ed-fi/{resource.name}", "operations": operations}
            for resource in store.resources.values()
            if (operations := _operations(client, resource.claim))
        ]
        document["services"] = []
    return document


def _organization(number: int, store: Store) -> dict[str, Any] | None:
    record = store.find("EducationOrganization", (number,))
    if record is None:
        return None
    document = record.document()
    described: dict[str, Any] = {
        "education_organization_id": number,
        "name_of_institution": document["nameOfInstitution"],
        "type": f"edfi.{record.resource.entity}",
    }
    if record.resource.entity == "LocalEducationAgency":
        described["local_education_agency_id"] = number
    else:
        described["school_id"] = number
    return described


def _operations(client: Client, claim: str) -> list[str]:
    return sorted(action[:1].upper() + action[1:] for action in client.claims.get(claim, ()))
