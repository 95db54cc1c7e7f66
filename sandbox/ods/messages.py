"""What passes between the HTTP server and the application."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec

JSON_TYPE = "application/json; charset=utf-8"

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class DuplicateProperty(ValueError):
    """An object names a property twice. `path`: where, from the document's root."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _Object(dict[str, Any]):
    """A decoded object that knows which of its properties came twice."""

    twice: str = ""


def json_without_duplicates(body: bytes) -> Any:
    """The body as JSON; ValueError when it isn't, DuplicateProperty at the first property that comes twice."""

    def pairs(items: list[tuple[str, Any]]) -> _Object:
        found = _Object(items)
        if len(found) < len(items):
            seen: set[str] = set()
            found.twice = next(name for name, _ in items if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return found

    try:
        quick = decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if body.count(b'":') == _names_in(quick):
        return quick  # as many names as came, so none came twice
    try:
        document = json.loads(body, object_pairs_hook=pairs)
    except (UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    _refuse_twice(document, "")
    return document


def _names_in(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_names_in(inner) for inner in value.values() if isinstance(inner, dict | list))
    if isinstance(value, list):
        return sum(_names_in(inner) for inner in value if isinstance(inner, dict | list))
    return 0


def _refuse_twice(value: Any, path: str) -> None:
    if isinstance(value, _Object):
        if value.twice:
            raise DuplicateProperty(path + value.twice)
        for name, inner in value.items():
            _refuse_twice(inner, f"{path}{name}.")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_twice(inner, f"{path.removesuffix('.')}[{index}].")


@dataclass
class Request:
    """One request: header names in lower case, `query` undecoded, the whole body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; names in lower case, as the ODS ignores their case."""
        return {name.lower(): value for name, value in parse_qsl(self.query, keep_blank_values=True)}

    @cached_property
    def names(self) -> dict[str, str]:
        """The parameters' names as they were sent, by name in lower case."""
        return {name.lower(): name for name, _ in parse_qsl(self.query, keep_blank_values=True)}

    @property
    def base_url(self) -> str:
        return f"http://{self.headers.get('host', 'localhost')}"

    def json(self) -> Any:
        """The body as JSON; ValueError when it isn't."""
        try:
            return decode(self.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ValueError(str(error)) from error


@dataclass(slots=True)
class Response:
    """One answer. `headers` come on top of Date, Content-Length and Content-Type."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON_TYPE


def json_response(status: int, document: object, headers: list[tuple[str, str]] | None = None) -> Response:
    return Response(status, encode(document), headers or [])
