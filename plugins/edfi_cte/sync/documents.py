"""Documents of the ODS as they come in: what is none of the resource's decides nothing, and goes no further.

The one place where an item of the API's becomes a key of ours. What the ledger could not hold, or what lacks a part
of its key, is an answer that cannot be one of an Ed-Fi API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from edfi_cte.associations.compare import is_as_sent
from edfi_cte.associations.model import NaturalKey
from edfi_cte.ods.errors import MalformedAnswer
from edfi_cte.ods.values import whole_number
from edfi_cte.sync.lane import RESOURCE, Lane

_LONGEST = {"programName": 60, "programTypeDescriptor": 306, "studentUniqueId": 32}
"""Source: the resource's OpenAPI, all versions."""


def is_ours(lane: Lane, document: Mapping[str, Any]) -> bool:
    """Of our education organization and program type. Raises MalformedAnswer if it does not say of which it is."""
    kind = _text(_part(document, "programReference"), "programTypeDescriptor")
    edorg_id = _number(_part(document, "educationOrganizationReference"), "educationOrganizationId")
    return edorg_id == lane.target.edorg_id and kind.casefold() == lane.preferences.program_type_descriptor.casefold()


def key_of(document: Mapping[str, Any]) -> NaturalKey:
    """The natural key of an association that the ODS gave. Raises MalformedAnswer if it has none."""
    program = _part(document, "programReference")
    return NaturalKey(
        begin_date=_date(document, "beginDate"),
        education_organization_id=_number(
            _part(document, "educationOrganizationReference"), "educationOrganizationId"
        ),
        program_education_organization_id=_number(program, "educationOrganizationId"),
        program_name=_text(program, "programName"),
        program_type_descriptor=_text(program, "programTypeDescriptor"),
        student_unique_id=_text(_part(document, "studentReference"), "studentUniqueId"),
    )


def as_sent(document: Mapping[str, Any], payload_hash: str, content_hash: str) -> bool:
    """Whether the document says what was sent. Raises MalformedAnswer if it is nested beyond reading."""
    try:
        return is_as_sent(document, payload_hash, content_hash)
    except RecursionError:
        pass
    raise _malformed("is nested beyond reading")


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    if not isinstance(part, dict):
        raise _malformed(f"has no {name}")
    return part


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST[name] or not value.isprintable():
        raise _malformed(f"has no {name} that can be one")
    return value


def _number(part: Mapping[str, Any], name: str) -> int:
    number = whole_number(part.get(name))
    if number is None:
        raise _malformed(f"has no {name} that can be one")
    return number


def _date(document: Mapping[str, Any], name: str) -> date:
    value = document.get(name)
    try:
        return date.fromisoformat(value[:10] if isinstance(value, str) else "")
    except ValueError:
        pass
    raise _malformed(f"has no {name} that can be one")


def _malformed(what: str) -> MalformedAnswer:
    return MalformedAnswer(
        f"GET {RESOURCE} was answered with an item that {what}.",
        advice="Tell the API's administrator; nothing was decided by this reading, and the next run reads again.",
    )
