"""Takes students' data out of what an API says, before it enters an exception, a log or a table.

Ed-Fi APIs quote the values they refuse. Kept are descriptor URIs (code lists, needed to mend a mapping) and the
names of properties and resources in the APIs' own phrases. Gone are the values that the request itself held,
anything else in quotes or parentheses, what the JSON reader could not convert, and any word with a digit in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from .message import Request

_GAP = "…"
_LONGEST = 500

_DESCRIPTOR = re.compile(r"('uri://[^\s'#]+#[^'\n]*'|\"uri://[^\s\"#]+#[^\"\n]*\")")
_HARMLESS = re.compile(
    r"((?:referenced|existing|related|corresponding|because the|[Vv]alidation of|of the|of entity|new resource|"
    r"requested action|resource item:|resource item's) '[A-Za-z]{2,60}'(?:, '[A-Za-z]{2,60}')*"
    r"|\$\.[\w.\[\]]+"
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


def scrub(text: str, values: frozenset[str] = frozenset()) -> str:
    """``text`` on one line, without ``values`` and without anything that looks like a person's data."""
    masked = _outside(_DESCRIPTOR, text, lambda piece: _without(values, piece))
    cleaned = _outside(_DESCRIPTOR, masked, lambda piece: _outside(_HARMLESS, piece, _clean))
    line = " ".join(cleaned.split())
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
