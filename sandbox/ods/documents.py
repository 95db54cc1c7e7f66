"""How a stored record looks from outside: id, etag, dates, links."""

from __future__ import annotations

import zlib
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.messages import encode
from sandbox.ods.properties import camel
from sandbox.ods.store import Record, timestamp

_UTC_KIND = 0x4000_0000_0000_0000
"""The bits by which .NET marks a binary date as UTC; the ODS's etags are such dates in decimal."""
_HEX = frozenset("0123456789abcdefABCDEF")


def etag(record: Record, dialect: Dialect) -> str:
    """The etag without quotes, as `_etag` shows it."""
    if dialect.opaque_etags:
        return f"{record.change_version}-{zlib.crc32(record.body):08x}.j._.l.i"
    return str(_UTC_KIND + record.modified)


def public_id(identifier: str, dialect: Dialect) -> str:
    """An id as clients see it: 32 hex digits (ODS), or a dashed GUID (DMS)."""
    if not dialect.dashed_ids:
        return identifier
    parts = (identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:])
    return "-".join(parts)


def internal_id(text: str) -> str | None:
    """The 32 hex digits of an id in a URL or body, in any of the forms of a GUID; None when it isn't one."""
    digits = text.strip("{}()").replace("-", "")
    if len(digits) == 32 and _HEX.issuperset(digits):
        return digits.lower()
    return None


def names_tag(header: str, tag: str) -> bool:
    """Whether If-None-Match, by the rules of HTTP, names an etag: quoted or not, in a list, or by `*`."""
    named = {part.strip().strip('"') for part in header.split(",")}
    return tag in named or "*" in named


def representation(record: Record, dialect: Dialect) -> bytes:
    """The record as a JSON object."""
    tail = f',"_etag":"{etag(record, dialect)}"'
    if dialect.last_modified_date:
        tail += f',"_lastModifiedDate":"{timestamp(record.modified)}"'
    head = f'{{"id":"{public_id(record.id, dialect)}",'
    if record.resource.is_descriptor:
        head += f'"{camel(record.resource.entity)}Id":{record.number},'
    return head.encode() + record.body + tail.encode() + b"}"


def body_of(document: dict[str, Any]) -> bytes:
    """A canonical document as `Record.body` holds it."""
    return encode(document)[1:-1]


def link(target: Record, dialect: Dialect) -> dict[str, str]:
    """What a reference shows beside its key: the concrete type, and where its item is below the data root."""
    href = f"/ed-fi/{target.resource.name}/{public_id(target.id, dialect)}"
    return {"rel": target.resource.entity, "href": href}
