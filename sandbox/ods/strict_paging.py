"""Query parameters as the Data Management Service takes them: exactly, and every wrong one is told.

Its `ValidateQueryMiddleware`, `CursorRequestValidator`, `PartitionRequestValidator`, `ValidateTrackedChangeQuery-
Middleware` and `ChangeVersionParameterValidator`; the steps below are in their order.
"""

from __future__ import annotations

from collections.abc import Container

from sandbox.ods.failures import Kind
from sandbox.ods.messages import Request
from sandbox.ods.paging import (
    BOTH_PAGINGS,
    DEFAULT_PARTITIONS,
    LIMIT_OF_CURSOR,
    MAX_LIMIT,
    MAX_PARTITIONS,
    NEEDS_CURSOR,
    PAGE_SIZE,
    PARTITIONS,
    SIZE_OF_OFFSET,
    Page,
    Split,
    decode_token,
)
from sandbox.ods.parameters import Parameters, refuse, whole

_CHANGES = ("minchangeversion", "maxchangeversion")
_OFFSET_PAGING = ("limit", "offset", "totalcount")
_CURSOR = ("pagetoken", "pagesize")
_PUBLISHED = {"totalcount": "totalCount", "pagetoken": "pageToken", "pagesize": "pageSize"}
_NOT_BOOLEAN = "TotalCount must be a boolean value."


def strict_page(request: Request, filters: Container[str]) -> Page:
    """The page of a collection that a request asks for."""
    parameters = request.parameters
    page = _cursor_page(parameters) if any(name in parameters for name in _CURSOR) else _page(parameters)
    _check_change_versions(parameters)
    _refuse_unknown(request, filters, (*_OFFSET_PAGING, *_CURSOR, *_CHANGES))
    bounded = bool(parameters.get("maxchangeversion"))
    if page.span is None and bounded:
        # Such a window comes in the order of the changes, where a cursor has no place.
        return Page(page.limit, page.offset, page.total_count, has_next=False, by_version=True)
    return page


def strict_change_page(request: Request, filters: Container[str]) -> Page:
    """The page of deletes or key changes: no filter and no cursor."""
    parameters = request.parameters
    page = _page(parameters)
    _check_change_versions(parameters)
    _refuse_unknown(request, filters, (*_OFFSET_PAGING, *_CURSOR, *_CHANGES))
    wrong = [name for name in parameters if name in _CURSOR]
    wrong += [name for name in parameters if name not in (*_OFFSET_PAGING, *_CURSOR, *_CHANGES)]
    if wrong:
        told = [
            f"The query field '{_PUBLISHED.get(name, request.names[name])}' is not valid for this Change Query "
            "endpoint."
            for name in wrong
        ]
        refuse(*told, kind=Kind.QUERY_FIELD)
    return page


def strict_split(request: Request, filters: Container[str]) -> Split:
    """What …/partitions is asked for: the parameters of a page have no business there."""
    parameters = request.parameters
    _check_change_versions(parameters)
    _refuse_unknown(request, filters, (*_OFFSET_PAGING, *_CURSOR, *_CHANGES, "number"))
    number = whole(parameters["number"]) if "number" in parameters else DEFAULT_PARTITIONS
    if number is None or not 1 <= number <= MAX_PARTITIONS:
        refuse(PARTITIONS)
    reserved = [name for name in (*_CURSOR, *_OFFSET_PAGING) if name in parameters]
    if reserved:
        names = [_PUBLISHED.get(name, name) for name in reserved]
        refuse(*(f"The '{name}' parameter is not supported by the partitions endpoint." for name in names))
    return Split(number or DEFAULT_PARTITIONS)


def _page(parameters: Parameters) -> Page:
    wrong = []
    offset = whole(parameters.get("offset", "0"))
    if offset is None or offset < 0:
        wrong.append("Offset must be a numeric value greater than or equal to 0.")
    limit = whole(parameters.get("limit", str(MAX_LIMIT)))
    if limit is None or not 0 <= limit <= MAX_LIMIT:
        wrong.append(f"Limit must be omitted or set to a numeric value between 0 and {MAX_LIMIT}.")
    counted = parameters.get("totalcount", "false").strip().lower()
    if counted not in ("true", "false"):
        wrong.append(_NOT_BOOLEAN)
    if wrong:
        refuse(*wrong)
    return Page(limit or 0, offset or 0, counted == "true", has_next=True)


def _cursor_page(parameters: Parameters) -> Page:
    if "pagetoken" not in parameters:
        alone = "offset" in parameters and "limit" not in parameters
        refuse(SIZE_OF_OFFSET if alone else NEEDS_CURSOR)
    span = decode_token(parameters["pagetoken"])
    if "offset" in parameters:
        refuse(BOTH_PAGINGS)
    if "limit" in parameters:
        refuse(LIMIT_OF_CURSOR)
    counted = parameters.get("totalcount", "false").strip().lower()
    if counted == "true":
        refuse("The totalCount parameter cannot be set to true when using cursor paging with pageToken.")
    size = whole(parameters.get("pagesize", str(MAX_LIMIT)))
    if size is None or not 0 <= size <= MAX_LIMIT:
        refuse(PAGE_SIZE)
    if counted != "false":
        refuse(_NOT_BOOLEAN)
    return Page(size or 0, span=span, has_next=True)


def _check_change_versions(parameters: Parameters) -> None:
    bounds: list[int] = []
    wrong = []
    for name, title in zip(_CHANGES, ("MinChangeVersion", "MaxChangeVersion"), strict=True):
        text = parameters.get(name, "").strip()
        value = whole(text, bits=64) if text else None
        if value is not None and value >= 0:
            bounds.append(value)
        elif text:
            wrong.append(f"{title} must be a numeric value greater than or equal to 0.")
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        wrong.append("MinChangeVersion must be less than or equal to MaxChangeVersion.")
    if wrong:
        refuse(*wrong)


def _refuse_unknown(request: Request, filters: Container[str], owned: Container[str]) -> None:
    for name in request.parameters:
        if name not in owned and name not in filters:
            refuse(f"The query field '{request.names[name]}' is not valid for this resource.", kind=Kind.QUERY_FIELD)
