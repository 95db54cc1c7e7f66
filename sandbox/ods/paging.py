"""Query parameters of a collection: pages by offset or cursor, and partitions (ODS `QueryParametersValidator`)."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.store import Record

MAX_LIMIT = 500
MAX_PARTITIONS = 200
LAST_NUMBER = 2_147_483_647
_DEFAULT_PARTITIONS = 10
_LEAST_PARTITION = 5 * MAX_LIMIT


@dataclass(frozen=True)
class Page:
    """Which part of a collection is asked for. `span`: surrogate keys from-to (inclusive), when paging by cursor."""

    limit: int
    offset: int = 0
    total_count: bool = False
    span: tuple[int, int] | None = None

    def of(self, records: Sequence[Record]) -> Sequence[Record]:
        """The page's records, out of all that the caller may see, in the dialect's order."""
        if self.span is None:
            return records[self.offset : self.offset + self.limit]
        start = bisect_left(records, self.span[0], key=_number)
        page = records[start : start + self.limit]
        return [record for record in page if record.number <= self.span[1]]

    def next_token(self, page: Sequence[Record]) -> str:
        """Where the next page starts."""
        last = self.span[1] if self.span else LAST_NUMBER
        return encode_token(page[-1].number + 1, last)


def _number(record: Record) -> int:
    return record.number


@dataclass(frozen=True)
class Limits:
    """What `limit` may be, both inclusive, and what a caller beyond that is told."""

    least: int
    most: int
    message: str


def parse_page(parameters: dict[str, str], dialect: Dialect, limits: Limits | None = None) -> Page:
    """Offset or cursor paging, as asked for; Failure for a value or a mixture that the dialect refuses."""
    limits = limits or Limits(0, MAX_LIMIT, dialect.limit_message)
    limit = _integer(parameters, "limit", dialect)
    offset = _integer(parameters, "offset", dialect)
    total_count = boolean(parameters, "totalcount", dialect) or False
    if dialect.cursor_paging:
        size = _integer(parameters, "pagesize", dialect)
        token = parameters.get("pagetoken")
        if token is not None:
            return _cursor_page(token, size, limit, offset, total_count=total_count, dialect=dialect)
        if size is not None and limit is None:
            with_offset = "Use limit instead of pageSize when using limit/offset paging."
            refuse(with_offset if offset is not None else "PageToken is required when pageSize is specified.")
    if offset is not None and offset < 0:
        refuse("Offset cannot be a negative value.")
    if limit is not None and not limits.least <= limit <= limits.most:
        refuse(limits.message)
    return Page(dialect.default_limit if limit is None else limit, offset or 0, total_count)


def _cursor_page(
    token: str, size: int | None, limit: int | None, offset: int | None, *, total_count: bool, dialect: Dialect
) -> Page:
    span = decode_token(token)
    if offset is not None:
        refuse(
            "Both offset and pageToken parameters were provided, but they support alternative paging approaches and "
            "cannot be used together."
        )
    if total_count:
        refuse("The totalCount parameter cannot be used with cursor paging.")
    if limit is not None and size is None:
        refuse("Use pageSize instead of limit when using cursor paging with pageToken.")
    if size is not None and not 0 <= size <= MAX_LIMIT:
        refuse(f"PageSize must be a value between 0 and {MAX_LIMIT}.")
    return Page(dialect.default_limit if size is None else size, span=span)


def change_versions(parameters: dict[str, str], dialect: Dialect) -> tuple[int, int]:
    """The change versions asked for, both inclusive; everything where a bound isn't given."""
    least = _integer(parameters, "minchangeversion", dialect, bits=64)
    most = _integer(parameters, "maxchangeversion", dialect, bits=64)
    return (0 if least is None else least, 2**63 if most is None else most)


def encode_token(first: int, last: int) -> str:
    return base64.urlsafe_b64encode(f"{first},{last}".encode()).decode().rstrip("=")


def decode_token(token: str) -> tuple[int, int]:
    """The surrogate keys that a page token spans."""
    try:
        padded = token + "=" * (-len(token) % 4)
        first, last = base64.b64decode(padded.encode(), altchars=b"-_", validate=True).decode("ascii").split(",")
        return int(first), int(last)
    except (binascii.Error, ValueError):
        raise Failure(Kind.PARAMETER, message="The page token provided was invalid.") from None


def partitions(records: Sequence[Record], parameters: dict[str, str], dialect: Dialect) -> list[str]:
    """Page tokens that split the records into about equal parts, none smaller than five full pages."""
    number = _integer(parameters, "number", dialect)
    if number is not None and not 1 <= number <= MAX_PARTITIONS:
        refuse(f"Number of partitions must be between 1 and {MAX_PARTITIONS}.")
    if not records:
        return []
    most = max(1, len(records) // _LEAST_PARTITION)
    count = min(number or _DEFAULT_PARTITIONS, most)
    starts = [len(records) * index // count for index in range(count)]
    firsts = [records[start].number for start in starts]
    lasts = [first - 1 for first in firsts[1:]] + [LAST_NUMBER]
    return [encode_token(first, last) for first, last in zip(firsts, lasts, strict=True)]


def refuse(message: str) -> None:
    """Raises the Failure of a wrong query parameter."""
    raise Failure(Kind.PARAMETER, message=message)


def _integer(parameters: dict[str, str], name: str, dialect: Dialect, bits: int = 32) -> int | None:
    text = parameters.get(name)
    if text is None or text == "":
        return None
    try:
        value = int(text)
    except ValueError:
        raise _unreadable(name, text, dialect) from None
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise _unreadable(name, text, dialect)
    return value


def boolean(parameters: dict[str, str], name: str, dialect: Dialect) -> bool | None:
    """A query parameter as .NET reads a boolean; None when it isn't there."""
    text = parameters.get(name)
    if text is None or text == "":
        return None
    if text.strip().lower() not in ("true", "false"):
        raise _unreadable(name, text, dialect)
    return text.strip().lower() == "true"


def _unreadable(name: str, text: str, dialect: Dialect) -> Failure:
    if dialect.wording.format == "dms":
        return Failure(Kind.PARAMETER, message=dialect.limit_message if name == "limit" else f"Invalid {name}.")
    phrases = dialect.wording.phrases
    return Failure(Kind.BINDING, problems={f"{phrases.root}.{name}": [f"The value '{text}' is not valid."]})
