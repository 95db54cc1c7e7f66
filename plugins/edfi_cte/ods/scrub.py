"""Keeps of what an API says what can't be a student's, before it enters an exception, a log or a table.

Ed-Fi APIs quote the values they refuse. Kept are the words of the APIs' own sentences and the names of Ed-Fi's
properties and resources (:mod:`.vocabulary`), numbers that are limits, and the descriptor URIs that the request
itself held (code lists, needed to mend a mapping). All else is a gap: the request's other values, what stands in
quotes or parentheses, what the JSON reader could not convert, any word with a digit in it, and any word not known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from .message import Request
from .vocabulary import known_words

_GAP = "…"
_LONGEST = 500

_NOTHING = re.compile(r"((?!))")
_HARMLESS = re.compile(
    r"((?:referenced|existing|related|corresponding|because the|[Vv]alidation of|of the|of entity|new resource|"
    r"requested action|resource item:|resource item's) '[A-Za-z]{2,60}'(?:, '[A-Za-z]{2,60}')*"
    r"|\$(?:\.[A-Za-z_]+(?:\[\d{1,4}\])?)+"
    r"|(?:between|and|at most|maximum length of) \d{1,3}\b)"
)
_VALUES = re.compile(
    r"(?<=converting value ).*?(?= to type)"
    r"|(?<=value: )\S+"
    r"|(?<!\w)'.*?'(?!\w)"
    r'|(?<!\w)".*?"(?!\w)'
    r"|(?<!\w)\(.*\)"
    r"|[^\s,;]*\d[^\s,;]*"
)
_UNCONVERTED = re.compile(r"(Could not convert [^:\n]*:)[^\n]*?(?=\. Path|$)", re.MULTILINE)


def scrub(text: str, values: frozenset[str] = frozenset(), descriptors: frozenset[str] = frozenset()) -> str:
    """``text`` on one line, of known words and the given ``descriptors`` alone, and without ``values``."""
    own = re.compile("(" + "|".join(rf"['\"]{re.escape(uri)}['\"]" for uri in sorted(descriptors)) + ")")
    keep = own if descriptors else _NOTHING
    masked = _outside(keep, text, lambda piece: _without(values, piece))
    cleaned = _outside(keep, masked, lambda piece: _outside(_HARMLESS, piece, _clean))
    known = _outside(keep, cleaned, lambda piece: known_words(piece, _GAP))
    # PostgreSQL takes no null byte, no database half of a character, and a terminal obeys control characters.
    shown = "".join(sign if sign.isprintable() or sign.isspace() else _GAP for sign in known)
    line = re.sub(rf"{_GAP}(?:[\s-]*{_GAP})+", _GAP, " ".join(shown.split()))
    return line if len(line) <= _LONGEST else line[:_LONGEST] + _GAP


def request_values(request: Request) -> frozenset[str]:
    """Every value that the request's document and query hold, but for descriptors, flags and single letters."""
    found = set(request.url.query.values())
    if request.body:
        try:
            found.update(_leaves(json.loads(request.body)))
        except ValueError:
            found.update(value for _, value in parse_qsl(request.body.decode(errors="replace")))
    return frozenset(value for value in found if len(value) > 1 and not value.startswith("uri://"))


def request_descriptors(request: Request) -> frozenset[str]:
    """Every descriptor URI that the request's document holds."""
    try:
        found = _leaves(json.loads(request.body or b"null"))
    except ValueError:
        return frozenset()
    return frozenset(value for value in found if value.startswith("uri://"))


def _outside(keep: re.Pattern[str], text: str, change: Any) -> str:
    """``text`` with ``change`` applied to all but the matches of ``keep`` (which has one group, the whole)."""
    pieces = keep.split(text)
    return "".join(piece if index % 2 else change(piece) for index, piece in enumerate(pieces))


def _without(values: frozenset[str], text: str) -> str:
    longest_first = sorted(filter(None, values), key=len, reverse=True)
    if not longest_first or not text:
        return text
    pattern = "|".join(re.escape(value) for value in longest_first)
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", _GAP, text, flags=re.IGNORECASE)


def _clean(text: str) -> str:
    return _VALUES.sub(_GAP, _UNCONVERTED.sub(rf"\1 {_GAP}", text))


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from _leaves(child)
    elif isinstance(node, list):
        for child in node:
            yield from _leaves(child)
    elif isinstance(node, str | int | float) and not isinstance(node, bool):
        yield str(node)
