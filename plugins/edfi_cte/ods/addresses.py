"""From what a caller names to addresses and headers; what is no name is refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from yarl import URL

from .errors import BadParameter
from .message import Request

_RESOURCE = re.compile(r"[A-Za-z][\w-]*(?:/[A-Za-z][\w-]*)?")
_IDENTITY = re.compile(r"[0-9A-Za-z-]{1,64}")


def collection_address(data_url: str, resource: str) -> tuple[str, URL]:
    """A resource's path, as messages name it, and its address."""
    if not _RESOURCE.fullmatch(resource):
        raise BadParameter(
            "That is not the name of a resource.", advice='Write it like "students" or "tpdm/candidates".'
        )
    path = resource if "/" in resource else f"ed-fi/{resource}"
    return path, URL(f"{data_url}/{path}", encoded=True)


def item_address(collection: URL, identity: str) -> URL:
    """An item's address. Refuses what is no id, lest a request for one item become one for all."""
    if not _IDENTITY.fullmatch(identity):
        raise BadParameter("That is not an id of an item.", advice="Give the id that the API assigned.")
    return URL(f"{collection}/{identity}", encoded=True)


def match_header(etag: str | None) -> Mapping[str, str] | None:
    """If-Match, in the quotes that every version takes."""
    return None if etag is None else {"If-Match": f'"{etag.strip(chr(34))}"'}


def query_text(parameters: Mapping[str, Any]) -> str:
    """A query. "#" and blanks of descriptors are escaped, and a "+" is no blank to every server."""
    return urlencode([(name, _value_text(name, value)) for name, value in parameters.items()], quote_via=quote)


def _value_text(name: str, value: Any) -> str:
    """None is refused: a filter forgotten would select everything."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return str(value)
    raise BadParameter(
        f"The filter {name} has no value that a query can hold.", advice="Give a text, number, flag or date."
    )


def free_request(
    data_url: str,
    method: str,
    path: str,
    parameters: Mapping[str, Any] | None,
    body: bytes | None,
    headers: Mapping[str, str] | None,
    timeout: tuple[float, float] | None,
) -> Request:
    """A request for a path that someone else wrote: it must stay below ``data_url``."""
    plain, _, query = path.partition("?")
    plain = plain.strip("/")
    queries = "&".join(filter(None, (query, query_text(parameters or {}))))
    url = URL(f"{data_url}/{plain}{'?' + queries if queries else ''}")
    if "://" in plain or not str(url).startswith(f"{data_url}/"):
        raise BadParameter(
            "The endpoint leads away from the API's data.",
            advice='Write it below the data\'s address, such as "ed-fi/students".',
        )
    resource = "/".join(plain.split("/")[:2])
    name = resource if _RESOURCE.fullmatch(resource) else "an endpoint"
    return Request(method, url, f"{method} {name}", body, headers, timeout)
