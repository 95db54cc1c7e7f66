"""One collection of an API, as the paging reads it: its address, its filters, and the limits learnt on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from yarl import URL

from . import errors
from .addresses import query_text
from .exchange import Exchange
from .message import Request
from .paging import Page
from .values import whole_number

log = logging.getLogger(__name__)

_SMALLEST = 2

Parameters = Mapping[str, str | int | bool]


class PageLimits:
    """What one API takes as ``limit``, learnt from its refusals; shared by all collections of a client."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.counts_without_rows = True

    def learn(self, refusal: errors.LimitRefused, asked: int) -> bool:
        """True if a smaller page is left to try."""
        smaller = refusal.allowed if refusal.allowed and refusal.allowed < asked else asked // 2
        if smaller < _SMALLEST:
            return False
        if smaller < self.size:
            self.size = smaller
            log.info("The API refuses pages of %d; asking for %d from now on.", asked, smaller)
        return True


class Collection:
    """Fulfils :class:`.paging.PageSource`."""

    def __init__(
        self,
        name: str,
        url: URL,
        filters: Mapping[str, Any] | None,
        *,
        exchange: Exchange,
        limits: PageLimits,
        cursor_paging: bool,
        concurrency: int,
        decode: Callable[[bytes], Any] | None = None,
    ) -> None:
        self.name = name
        self.cursor_paging = cursor_paging
        self.concurrency = concurrency
        self._url = url
        self._filters = dict(filters or {})
        self._exchange = exchange
        self._limits = limits
        self._decode = decode

    async def first(self) -> Page:
        return await self._page("limit", {"offset": 0, "totalCount": True})

    async def at_offset(self, offset: int) -> Page:
        return await self._page("limit", {"offset": offset})

    async def at_token(self, token: str) -> Page:
        return await self._page("pageSize", {"pageToken": token})

    async def partitions(self, number: int) -> list[str] | None:
        """ODS/API 7.3+ and DMS, GET …/partitions. None where it is refused: then one cursor reads it all."""
        request = self._request("/partitions", {"number": number})
        try:
            body, _ = await self._exchange.run_json(request)
        except (errors.NotFound, errors.BadParameter, errors.AuthorizationDenied):
            return None
        tokens = body.get("pageTokens") if isinstance(body, dict) else None
        return [str(token) for token in tokens] if isinstance(tokens, list) else None

    async def total(self) -> int:
        """By a page of no rows, or, where that is refused, of one."""
        limit = 0 if self._limits.counts_without_rows else 1
        try:
            _, headers = await self._exchange.run_json(
                self._request("", {"offset": 0, "limit": limit, "totalCount": True})
            )
        except errors.LimitRefused:
            if not self._limits.counts_without_rows:
                raise
            self._limits.counts_without_rows = False
            return await self.total()
        total = whole_number(headers.get("Total-Count"))
        if total is None:
            raise errors.MalformedAnswer(f"GET {self.name} was answered without a Total-Count header.")
        return total

    async def deleted(self, since: int) -> list[str] | None:
        """The ids of what was deleted in changes from ``since`` on, a page of them at most.

        None where the API does not say: the key lacks ReadChanges, or there are more than a page. ODS/API 5 says
        nothing of resources derived from others (ODS-4087), and so gives fewer than there are.
        """
        limit = self._limits.size
        request = self._request("/deletes", {"minChangeVersion": since, "limit": limit})
        try:
            rows, _ = await self._exchange.run_json(request)
        except (errors.NotFound, errors.BadParameter, errors.AuthorizationDenied):
            return None
        if not isinstance(rows, list) or len(rows) >= limit:
            return None
        return [str(row.get("id") or row.get("Id")) for row in rows if isinstance(row, dict)]

    async def _page(self, limit_name: str, parameters: Parameters) -> Page:
        while True:
            limit = self._limits.size
            request = self._request("", {**parameters, limit_name: limit})
            try:
                rows, headers = await self._exchange.run_json(request, self._decode)
            except errors.LimitRefused as refusal:
                if not self._limits.learn(refusal, limit):
                    raise
                continue
            if not isinstance(rows, list):
                raise errors.MalformedAnswer(f"{request.name} was answered with no JSON list.")
            return Page(rows, limit, whole_number(headers.get("Total-Count")), headers.get("Next-Page-Token") or None)

    def _request(self, below: str, parameters: Parameters) -> Request:
        query = query_text({**self._filters, **parameters})
        return Request("GET", URL(f"{self._url}{below}?{query}", encoded=True), f"GET {self.name}{below}")
