"""The two values every request is made of. Slim: thousands are made a minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from yarl import URL

from .errors import MalformedAnswer


class Request(NamedTuple):
    """``name`` is what logs and errors call it: the method and the resource, no id and no query."""

    method: str
    url: URL
    name: str
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    timeout: tuple[float, float] | None = None

    @property
    def is_write(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")


class Answer(NamedTuple):
    """``headers`` ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self, name: str) -> Any:
        """The body read as JSON. Raises MalformedAnswer, naming the request, if it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        try:
            # A byte order mark does no harm. json.loads takes one, too, and with it NaN and halves of characters.
            return msgspec.json.decode(self.body.decode("utf-8-sig"))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        # Raised out here so that the decoder's error, which holds the body, does not travel along as context.
        raise MalformedAnswer(f"{name} was answered with {describe_body(self)}, not JSON.", status=self.status)


def is_page(answer: Answer) -> bool:
    """Whether the body is a page for people, as of a gateway or a portal: no Ed-Fi API answers so."""
    return answer.body[:200].lstrip()[:1] == b"<"


def describe_body(answer: Answer) -> str:
    """What kind of body it is, without quoting it."""
    start = answer.body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page (a gateway's, not the API's)"
    return "a broken JSON text" if start[:1] in (b"{", b"[") else "a text"
