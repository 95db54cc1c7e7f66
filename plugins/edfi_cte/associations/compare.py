"""Whether two association documents say the same, as an ODS sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edfi_cte.associations.model import canonical_json, digest

_SERVER_PROPERTIES = frozenset({"id", "_etag", "_lastModifiedDate", "link"})


def content_hash(document: Mapping[str, Any]) -> str:
    """A digest that is equal for documents of equal content.

    The server's own properties do not count, a missing value is null, an empty collection is a missing one,
    collections are sets, and descriptors and key strings are read without case (an ODS answers with the case it
    stored first). Source: ODS/API 5.3 to 7.3 and DMS, what a GET returns after a POST.
    """
    return digest(canonical_json(_normal(document)))


def _normal(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        items = ((key, _normal(item, key)) for key, item in value.items() if key not in _SERVER_PROPERTIES)
        return {key: item for key, item in items if item not in (None, [], {})}
    if isinstance(value, list):
        return sorted((_normal(item) for item in value), key=lambda item: canonical_json({"": item}))
    if isinstance(value, str) and (name.endswith("Descriptor") or name in ("programName", "studentUniqueId")):
        return value.strip().casefold()
    return value
