"""Numbers, ids and names as an API's answers have them, or not: what is none is not taken for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WHOLE = re.compile(r"[0-9]{1,18}")
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_URI = 306
"""A namespace of 255 characters, and a code of 50 (source: the OpenAPI of descriptors, all versions)."""
_PLAIN = re.compile(r"[\w .+-]{1,40}", re.ASCII)


def whole_number(value: Any) -> int | None:
    """A whole number of at most 18 digits, as a number or in text; ``None`` for all else."""
    text = str(value).strip() if isinstance(value, str) or (type(value) is int and 0 <= value < 10**18) else ""
    return int(text) if _WHOLE.fullmatch(text) else None


def item_id(value: Any) -> str | None:
    """The id of an item, which is a UUID in either spelling; ``None`` for all else."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def plain_text(value: Any) -> str:
    """A name or a version of at most 40 plain characters; empty for all else."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else ""


def text_of(document: Mapping[str, Any], name: str) -> str:
    """The text that a document has under a name; empty for all else."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def descriptor_uri(document: Mapping[str, Any]) -> str | None:
    """The URI of a descriptor as the API lists it; ``None`` of what can be none."""
    namespace, code = text_of(document, "namespace"), text_of(document, "codeValue")
    uri = f"{namespace}#{code}"
    return uri if namespace and code and len(uri) <= _LONGEST_URI and uri.isprintable() else None
