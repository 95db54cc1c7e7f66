"""The client: any resource of any Ed-Fi API, by verbs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from yarl import URL

from . import errors
from .addresses import collection_address, free_request, item_address, match_header
from .capabilities import Capabilities
from .circuit import Circuit
from .clock import Clock
from .collection import Collection, PageLimits
from .config import EdFiConfig
from .discovery import ApiInfo, Discovery
from .documents import encode
from .exchange import Exchange
from .limiter import Limiter
from .message import Answer, Request
from .paging import Seen, read_pages
from .results import ChangeVersions, TokenInfo, WriteResult, change_versions, token_info, write_result
from .retry import Retrier
from .token_store import PROCESS_TOKENS, TokenStore
from .tokens import TokenSource
from .transport import Transport
from .wire import Wire

Document = Mapping[str, Any] | bytes
"""An object to be written, or its finished JSON text."""
Filters = Mapping[str, Any] | None
"""Properties of the resource and the values to look for; all must match."""


class EdFiClient:
    """Use as ``async with EdFiClient(config) as client``; any number of coroutines may share it.

    A resource is named as its path is: ``students`` (of the namespace ed-fi) or ``tpdm/candidates``. Every verb
    raises errors of :mod:`.errors`; none of them holds data of a document. Requests wait for their turn by
    themselves, so callers may start as many as they like.

    ``token_store`` shares the token with other processes; without one, the clients of this process share it.
    ``admit``, where it is set, is called before each try of a write; it raises Halted to keep it from being sent.
    """

    def __init__(
        self, config: EdFiConfig, *, token_store: TokenStore | None = None, clock: Clock | None = None
    ) -> None:
        self.config = config
        self.admit: Callable[[], None] | None = None
        self._store = PROCESS_TOKENS if token_store is None else token_store
        self._clock = clock or Clock()
        self._limiter = Limiter(config.concurrency, self._clock)
        self._retrier = self._new_retrier()
        self._transport: Transport | None = None
        self._discovering = asyncio.Lock()
        self._api: ApiInfo | None = None
        self._tokens: TokenSource
        self._exchange: Exchange
        self._limits: PageLimits
        self._capabilities: Capabilities
        self._addresses: dict[str, tuple[str, URL]] = {}

    async def __aenter__(self) -> Self:
        self._transport = Transport(self.config)
        self._discovering = asyncio.Lock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            await self._transport.close()
        self._transport = self._api = None
        self._addresses.clear()

    async def discover(self) -> ApiInfo:
        """What is at the base URL. Asked once; every verb does it first."""
        if self._api is None:
            async with self._discovering:
                if self._api is None:
                    await self._discover()
        assert self._api is not None  # noqa: S101
        return self._api

    async def upsert(self, resource: str, document: Document) -> WriteResult:
        """Posts a document: created, or replaced where its natural key is known. Bytes are sent as they are."""
        name, url = self._addresses.get(resource) or await self._address(resource)
        request = Request("POST", url, "POST " + name, encode(document))
        return write_result(await self._exchange.run(request))

    async def put(
        self,
        resource: str,
        id: str,  # noqa: A002
        document: Document,
        *,
        if_match: str | None = None,
    ) -> WriteResult:
        """Replaces the item. Raises NotFound, and PreconditionFailed if its etag is not ``if_match`` any more."""
        name, url = self._addresses.get(resource) or await self._address(resource)
        body = encode(document, with_id=id if self._capabilities.put_carries_id else None)
        result = write_result(
            await self._exchange.run(
                Request("PUT", item_address(url, id), "PUT " + name, body, match_header(if_match))
            )
        )
        return result._replace(id=id)

    async def delete(self, resource: str, id: str, *, if_match: str | None = None) -> bool:  # noqa: A002
        """True if the item was there and is gone now, False if there was none."""
        name, url = self._addresses.get(resource) or await self._address(resource)
        try:
            await self._exchange.run(
                Request("DELETE", item_address(url, id), "DELETE " + name, headers=match_header(if_match))
            )
        except errors.WrongRoute:
            raise
        except errors.NotFound as error:
            # True where an earlier try of this very request, whose answer was lost, may have done it.
            return error.outcome_unknown
        return True

    async def get(self, resource: str, id: str) -> dict[str, Any]:  # noqa: A002
        """The item. Raises NotFound."""
        name, url = self._addresses.get(resource) or await self._address(resource)
        request = Request("GET", item_address(url, id), "GET " + name)
        item, _ = await self._exchange.run_json(request)
        if not isinstance(item, dict):
            raise errors.MalformedAnswer(f"{request.name} was answered with no JSON object.")
        return item

    async def find(self, resource: str, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every item that has these values; for look-ups with few answers."""
        return [row async for row in self.iterate(resource, filters)]

    async def iterate(self, resource: str, filters: Filters = None) -> AsyncGenerator[dict[str, Any], None]:
        """Every item, one by one, each once by id. See :meth:`pages`."""
        async with aclosing(self.pages(resource, filters)) as pages:
            async for page in pages:
                for row in page:
                    yield row

    async def pages(
        self,
        resource: str,
        filters: Filters = None,
        *,
        at_once: int | None = None,
        decode: Callable[[bytes], list[Any] | None] | None = None,
        seen: Seen | None = None,
    ) -> AsyncGenerator[list[Any], None]:
        """The collection in lists of some hundred items, each item once by id, in no particular order.

        ``at_once`` bounds the pages that are read side by side, and so those in memory; by default ``concurrency``.
        Items that are there all the while are among them, even while others write. Raises IncompleteRead at the
        end if fewer came than the API counts: an answer cut short never passes for the whole.

        ``decode`` makes items with an attribute ``id`` of a page's bytes, or None of a page that it can't read: its
        items come as dicts. ``seen`` keeps the ids that came, in the caller's own way.
        """
        collection = await self._collection(resource, filters, at_once or self.config.concurrency, decode)
        async with aclosing(read_pages(collection, seen)) as pages:
            async for page in pages:
                yield page

    async def total_count(self, resource: str, filters: Filters = None) -> int:
        """How many items the key may see: 0 may also mean that it may see none."""
        return await (await self._collection(resource, filters, 1)).total()

    async def change_versions(self) -> ChangeVersions | None:
        """Which changes the API's change queries know of; None where they are off, or not for this key.

        A version is given when a row is written, not when its transaction ends: of a slow one it may appear late,
        below the newest. It moves with the resource's own row alone, not with values that are joined to it.
        """
        api = await self.discover()
        if api.change_queries_url is None:
            return None
        url = URL(f"{api.change_queries_url}/availableChangeVersions", encoded=True)
        request = Request("GET", url, "GET availableChangeVersions")
        try:
            body, _ = await self._exchange.run_json(request)
        except (errors.NotFound, errors.AuthorizationDenied):
            return None
        return change_versions(body, request.name)

    async def deleted_ids(self, resource: str, since: int) -> list[str] | None:
        """The ids of items deleted in changes from version ``since`` on; None where the API does not say them all."""
        return await (await self._collection(resource, None, 1)).deleted(since)

    async def token_info(self) -> TokenInfo:
        """Whose token it is and for which education organizations (POST oauth/token_info)."""
        await self.discover()
        token = self._tokens.current() or await self._tokens.obtain()
        try:
            return await self._token_info(token)
        except errors.Refused:
            renewed = self._tokens.current()
            if renewed is None or renewed == token:
                raise
        # The token was refused and replaced on the way, but the body still asked about the old one.
        return await self._token_info(renewed)

    async def _token_info(self, token: str) -> TokenInfo:
        api = await self.discover()
        request = Request(
            "POST",
            URL(api.token_info_url, encoded=True),
            "POST oauth/token_info",
            urlencode({"token": token}).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        body, _ = await self._exchange.run_json(request)
        return token_info(body, request.name)

    async def send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: tuple[float, float] | None = None,  # noqa: ASYNC109
        check: bool = True,
    ) -> Answer:
        """Any request below the data's address, such as ``ed-fi/students``; ``path`` may have a query.

        ``timeout`` is to connect and to read, in seconds. Unless ``check``, a refusal is an answer like any other.
        """
        api = await self.discover()
        request = free_request(api.data_url, method, path, parameters, body, headers, timeout)
        return await (self._exchange.run(request) if check else self._exchange.run_unchecked(request))

    async def _address(self, resource: str) -> tuple[str, URL]:
        """A resource's path, as messages name it, and its address."""
        api = await self.discover()
        address = collection_address(api.data_url, resource)
        self._addresses[resource] = address
        return address

    async def _collection(
        self,
        resource: str,
        filters: Filters,
        at_once: int,
        decode: Callable[[bytes], Any] | None = None,
    ) -> Collection:
        name, url = self._addresses.get(resource) or await self._address(resource)
        return Collection(
            name,
            url,
            filters,
            exchange=self._exchange,
            limits=self._limits,
            cursor_paging=self._capabilities.cursor_paging,
            concurrency=at_once,
            decode=decode,
        )

    def _new_retrier(self) -> Retrier:
        config = self.config
        return Retrier(self._clock, Circuit(self._clock), tries=config.tries, max_retry_after=config.max_retry_after)

    async def _discover(self) -> None:
        if self._transport is None:
            raise RuntimeError("Use the client as 'async with EdFiClient(config) as client'.")
        wire = Wire(self._transport, self._retrier, self._clock)
        api = await Discovery(self.config, wire).run()
        # A token is fetched within a try of another request. Were the circuit the same, the one request that is let
        # through while it is open would find it shut to the token it needs.
        token_wire = wire._replace(retrier=self._new_retrier())
        self._tokens = TokenSource(self.config, api.token_url, store=self._store, wire=token_wire)
        self._exchange = Exchange(
            wire=wire,
            tokens=self._tokens,
            limiter=self._limiter,
            underway=self.config.underway,
            admit=self.admit,
            error_format=api.capabilities.error_format,
        )
        most = api.capabilities.max_limit
        self._limits = PageLimits(most if self.config.page_size is None else self.config.page_size)
        self._capabilities = api.capabilities
        self._api = api
