"""Expected answers: status and whole body, per dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

ODS = ("5.3", "6.2", "7.1", "7.3")
ALL = (*ODS, "dms")
TITLES = {
    "bad-request": "Bad Request",
    "bad-request:data-validation-failed": "Data Validation Failed",
    "bad-request:data-validation-failed:key-change-not-supported": "Key Change Not Supported",
    "bad-request:parameter-validation-failed": "Parameter Validation Failed",
    "security:authentication": "Authentication Failed",
    "security:authentication:too-many-tokens": "Too Many Tokens",
    "security:authorization": "Authorization Denied",
    "security:authorization:access-denied:action": "Authorization Denied",
    "security:authorization:access-denied:resource": "Authorization Denied",
    "security:authorization:relationships:access-denied:element-required": "Authorization Denied",
    "security:authorization:namespace:access-denied:namespace-mismatch": "Authorization Denied",
    "not-found": "Not Found",
    "method-not-allowed": "Method Not Allowed",
    "unsupported-media-type": "Unsupported Media Type",
    "data-conflict:unresolved-reference": "Unresolved Reference",
    "data-conflict:dependent-item-exists": "Dependent Item Exists",
    "data-conflict:non-unique-identity": "Identifying Values Are Not Unique",
    "identity-conflict": "Identifying Values Are Not Unique",
    "optimistic-lock-failed": "Optimistic Lock Failed",
    "precondition-failed:if-none-match": "If-None-Match Precondition Failed",
    "unauthorized": "invalid_client",
    "bad-gateway": "Bad Gateway",
    "service-unavailable": "Service Unavailable",
    "snapshots:method-not-allowed": "Method Not Allowed with Snapshots",
    "system": "System Error",
    "too-many-requests": "Too Many Requests",
}
DATA = "bad-request:data-validation-failed"
SEE_VALIDATION = "Data validation failed. See 'validationErrors' for details."
SEE_ERRORS = "The request could not be processed. See 'errors' for details."

Answer = tuple[int, Any]
"""Status, and the body: None for an empty one, else the JSON without its correlation id."""


def message(status: int, text: str, model_state: Mapping[str, list[str]] | None = None) -> Answer:
    """An answer of ODS/API 7.1 or earlier."""
    body: dict[str, Any] = {"message": text}
    if model_state:
        body["modelState"] = dict(model_state)
    return status, body


def problem(
    status: int,
    kind: str,
    detail: str,
    *errors: str,
    where: Mapping[str, list[str]] | None = None,
    dms: bool = False,
) -> Answer:
    """An answer in problem details: of 7.2 and later, or with `dms` of the Data Management Service."""
    body: dict[str, Any] = {
        "detail": detail,
        "type": f"urn:ed-fi:api:{kind}",
        "title": TITLES[kind],
        "status": status,
    }
    if where or dms:
        body["validationErrors"] = dict(where or {})
    if errors or dms:
        body["errors"] = list(errors)
    return status, body


DENIED = "Access to the requested data could not be authorized."


def claims(domain: str, entity: str) -> str:
    """The resource claims that an entity's permission may hang on, as refusals list them."""
    root = "http://ed-fi.org/ods/identity/claims"
    return f"'{root}/{entity}', '{root}/domains/{domain}'"


def no_action(dialect: str, action: str, domain: str, entity: str) -> Answer:
    """The answer to a caller whose claim set has the entity but not the action."""
    if dialect in ("5.3", "6.2", "7.1"):
        verb = action[:1].upper() + action[1:]
        return message(403, f"Access to the resource could not be authorized for the requested action '{verb}'.")
    kind = "security:authorization:access-denied:action"
    sentence = must_grant("SIS Vendor", action, domain, entity)
    return problem(403, kind, DENIED, sentence, dms=dialect == "dms")


def must_grant(claim_set: str, action: str, domain: str, entity: str) -> str:
    return (
        f"The API client's assigned claim set (currently '{claim_set}') must grant permission of the "
        f"'http://ed-fi.org/ods/actions/{action}' action on one of the following resource claims: "
        f"{claims(domain, entity)}"
    )


def check(answer: httpx.Response, expected: Answer, dialect: str) -> None:
    """The answer has the status and exactly the body expected, and a correlation id where the dialect has them."""
    status, body = expected
    assert answer.status_code == status, answer.text
    if body is None:
        assert answer.content == b""
        return
    got = answer.json()
    if dialect in ("7.1", "7.3", "dms") and status >= 400 and "error" not in got:
        assert got.pop("correlationId")
    assert got == body
