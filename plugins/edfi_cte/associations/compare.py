"""Whether two association documents say the same, as an ODS sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edfi_cte.associations.model import canonical_json, digest

_SERVER_PROPERTIES = frozenset({"id", "_etag", "_lastModifiedDate", "link"})
_KEY_STRINGS = frozenset({"programName", "studentUniqueId"})
_NOTHING: tuple[Any, ...] = (None, [], {})


def is_as_sent(document: Mapping[str, Any], payload_hash: str, sent_content_hash: str) -> bool:
    """Whether an ODS's document says what was sent: to the letter, as nearly all do, or in other words."""
    return digest(canonical_json(without_additions(document))) == payload_hash or (
        content_hash(document) == sent_content_hash
    )


def without_additions(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what a GET adds to the one that was sent: the server's properties, nulls and blanks."""
    return {
        name: without_additions(value) if isinstance(value, dict) else value
        for name, value in document.items()
        if name not in _SERVER_PROPERTIES and value not in _NOTHING
    }


def differing(document: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, str]:
    """The properties in which an ODS's document says other than what was sent, each with a digest of its value."""
    there, ours = _normal(dict(document)), _normal(dict(sent))
    return {
        name: digest(repr(there.get(name)))
        for name in sorted(there.keys() | ours.keys())
        if there.get(name) != ours.get(name)
    }


def content_hash(document: Mapping[str, Any]) -> str:
    """A digest that is equal for documents of equal content.

    The server's own properties do not count, a missing value is null, an empty collection is a missing one,
    collections are sets, and descriptors and key strings are read without case (an ODS answers with the case it
    stored first). Source: ODS/API 5.3 to 7.3 and DMS, what a GET returns after a POST.
    """
    return digest(repr(_normal(dict(document))))


def _normal(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return value.strip().casefold() if name in _KEY_STRINGS or name.endswith("Descriptor") else value
    # No Mapping: to ask for one costs as much as all the rest.
    if isinstance(value, dict):
        normal = {}
        for key in sorted(value):
            if key not in _SERVER_PROPERTIES and (kept := _normal(value[key], key)) not in _NOTHING:
                normal[key] = kept
        return normal
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return items if len(items) < 2 else sorted(items, key=repr)
    return value
