"""Numbers, ids and names as an API's answers have them, or not: what is none is not taken for one."""

from __future__ import annotations

import re
from typing import Any

_WHOLE = re.compile(r"[0-9]{1,18}")
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
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
