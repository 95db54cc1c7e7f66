"""Which part of a collection a query asks for: pages by offset or cursor, and partitions.

An ODS (`QueryParametersValidator`, `UrlQueryParametersRequestExtensions`, `PartitionsController`) stops at the first
wrong parameter and ignores those it doesn't know; the Data Management Service is in `strict_paging`.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.parameters import Parameters, boolean, integer, refuse
from sandbox.ods.store import Record

MAX_LIMIT = 500
MAX_PARTITIONS = 200
LAST_NUMBER = 2_147_483_647
DEFAULT_PARTITIONS = 10
LEAST_PARTITION = 5 * MAX_LIMIT
BOTH_PAGINGS = (
    "Both offset and pageToken parameters were provided, but they support alternative paging approaches and cannot "
    "be used together."
)
LIMIT_OF_CURSOR = "Use pageSize instead of limit when using cursor paging with pageToken."
SIZE_OF_OFFSET = "Use limit instead of pageSize when using limit/offset paging."
NEEDS_CURSOR = "PageToken is required when pageSize is specified."
PAGE_SIZE = f"PageSize must be a value between 0 and {MAX_LIMIT}."
PARTITIONS = f"Number of partitions must be between 1 and {MAX_PARTITIONS}."


@dataclass(frozen=True)
class Page:
    """Which part of a collection is asked for. `span`: surrogate keys from-to (inclusive), when paging by cursor.

    `has_next`: a page with items names the token of the next one. `by_version`: in the order of the changes.
    """

    limit: int
    offset: int = 0
    total_count: bool = False
    span: tuple[int, int] | None = None
    has_next: bool = False
    by_version: bool = False

    def of(self, records: Sequence[Record]) -> Sequence[Record]:
        """The page's records, out of all that the caller may see, in the dialect's order."""
        if self.span is None:
            if self.by_version:
                records = sorted(records, key=_version)
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


def _version(record: Record) -> int:
    return record.change_version


def parse_page(parameters: Parameters, dialect: Dialect) -> Page:
    """Offset or cursor paging of an ODS; Failure for a value or a mixture that it refuses."""
    limit = integer(parameters, "limit", dialect)
    offset = integer(parameters, "offset", dialect)
    total_count = boolean(parameters, "totalcount", dialect) or False
    if dialect.cursor_paging:
        size = integer(parameters, "pagesize", dialect)
        token = parameters.get("pagetoken")
        if token is not None:
            return _cursor_page(token, size, limit, offset, total_count=total_count, dialect=dialect)
        if size is not None and limit is None:
            refuse(SIZE_OF_OFFSET if offset is not None else NEEDS_CURSOR)
    if offset is not None and offset < 0:
        refuse("Offset cannot be a negative value.")
    if limit is not None and not 0 <= limit <= MAX_LIMIT:
        refuse(dialect.limit_message)
    limit = dialect.default_limit if limit is None else limit
    return Page(limit, offset or 0, total_count, has_next=dialect.cursor_paging)


def _cursor_page(
    token: str, size: int | None, limit: int | None, offset: int | None, *, total_count: bool, dialect: Dialect
) -> Page:
    span = decode_token(token)
    if offset is not None:
        refuse(BOTH_PAGINGS)
    if limit is not None and size is None:
        refuse(LIMIT_OF_CURSOR)
    if size is not None and not 0 <= size <= MAX_LIMIT:
        refuse(PAGE_SIZE)
    if total_count:
        refuse("Total count cannot be determined while using cursor paging (when pageToken is specified).")
    return Page(dialect.default_limit if size is None else size, span=span, has_next=True)


def parse_change_page(parameters: Parameters, dialect: Dialect) -> Page:
    """The page of an ODS's deletes or key changes (6.0+). A limit of 0 is none too small, whatever it says."""
    limit = integer(parameters, "limit", dialect)
    offset = integer(parameters, "offset", dialect) or 0
    wrong = []
    if limit is not None and not 0 <= limit <= MAX_LIMIT:
        wrong.append(f"Limit must be omitted or set to a value between 1 and {MAX_LIMIT}.")
    if offset < 0:
        wrong.append("Offset must be greater than or equal to 0.")
    if wrong:
        refuse(*wrong, kind=Kind.CHANGE_PARAMETER)
    total_count = boolean(parameters, "totalcount", dialect) or False
    return Page(MAX_LIMIT if limit is None else limit, offset, total_count)


def parse_bare_page(parameters: Parameters, dialect: Dialect) -> Page:
    """The page of v5's deletes: no cap, no count."""
    limit = integer(parameters, "limit", dialect)
    offset = integer(parameters, "offset", dialect)
    return Page(dialect.default_limit if limit is None else max(0, limit), max(0, offset or 0))


def change_versions(parameters: Parameters, dialect: Dialect) -> tuple[int, int]:
    """The change versions asked for, both inclusive; everything where a bound isn't given.

    An ODS takes any number, and bounds that are crossed just hold nothing.
    """
    least = integer(parameters, "minchangeversion", dialect, bits=64)
    most = integer(parameters, "maxchangeversion", dialect, bits=64)
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
        message = "The page token provided was invalid."
        raise Failure(Kind.PARAMETER, message=message, messages=(message,)) from None


@dataclass(frozen=True)
class Split:
    """How a collection is to be cut: into about so many parts, none smaller than `least` items."""

    number: int
    least: int = LEAST_PARTITION

    def tokens(self, records: Sequence[Record]) -> list[str]:
        """Page tokens of parts of about equal size; the last one takes in whatever comes later."""
        if not records:
            return []
        count = min(self.number, max(1, len(records) // self.least))
        starts = [len(records) * index // count for index in range(count)]
        firsts = [records[start].number for start in starts]
        lasts = [first - 1 for first in firsts[1:]] + [LAST_NUMBER]
        return [encode_token(first, last) for first, last in zip(firsts, lasts, strict=True)]


def parse_split(parameters: Parameters, dialect: Dialect) -> Split:
    """What …/partitions of an ODS is asked for (`allowSmallPartitions`: of its own tests, in no document)."""
    number = integer(parameters, "number", dialect)
    if number is not None and not 1 <= number <= MAX_PARTITIONS:
        refuse(PARTITIONS)
    small = boolean(parameters, "allowsmallpartitions", dialect)
    return Split(number or DEFAULT_PARTITIONS, 1 if small else LEAST_PARTITION)
