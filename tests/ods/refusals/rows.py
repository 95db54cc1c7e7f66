"""Every refusal that the Ed-Fi APIs in service are known to give, and the error it must become.

The wordings are those of the servers' sources and tests. ``{id}`` stands for a student's id wherever the servers
quote one, so that each row also shows that it is not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edfi_cte.ods import errors as e

STUDENT = "604822"
TEXT = ("5.3", "6.2", "7.1")
PROBLEM = ("7.3",)
DMS_ONLY = ("dms",)


@dataclass(frozen=True)
class Refusal:
    case: str
    dialects: tuple[str, ...]
    status: int
    body: Any
    error: type[e.EdFiError]
    properties: tuple[str, ...] = ()
    systemic: bool = False
    says: str = ""
    method: str = "POST"
    meanings: tuple[e.Meaning, ...] = ()


def text(case: str, status: int, message: str, error: type[e.EdFiError], **more: Any) -> Refusal:
    dialects = more.pop("dialects", TEXT)
    state = {"modelState": more.pop("state")} if "state" in more else {}
    body = {"message": message.replace("{id}", STUDENT), **state}
    return Refusal(case, dialects, status, body, error, **more)


def problem(case: str, status: int, kind: str, detail: str, error: type[e.EdFiError], **more: Any) -> Refusal:
    dialects = more.pop("dialects", PROBLEM)
    body: dict[str, Any] = {
        "detail": detail,
        "type": f"urn:ed-fi:api:{kind}",
        "title": "…",
        "status": status,
        "correlationId": "0f9c-77",
    }
    if dialects == DMS_ONLY:
        body |= {"validationErrors": {}, "errors": []}
    if told := more.pop("errors", None):
        body["errors"] = [text.replace("{id}", STUDENT) for text in told]
    if invalid := more.pop("invalid", None):
        body["validationErrors"] = {path: [text.replace("{id}", STUDENT)] for path, text in invalid.items()}
    return Refusal(case, dialects, status, body, error, **more)


VALIDATION_FAILED = "Data validation failed. See 'validationErrors' for details."
CONSTRUCTION = "The request construction was invalid."
