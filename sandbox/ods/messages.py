"""What passes between the HTTP server and the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec

JSON_TYPE = "application/json; charset=utf-8"

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


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
