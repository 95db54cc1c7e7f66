"""An Ed-Fi API for the client's tests: real HTTP on loopback, in any dialect, that fails on demand and counts.

Not the sandbox: that one is a strict API for people; this one is a stage for one test at a time.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import threading
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs

from aiohttp import web

from edfi_cte.ods import EdFiClient, EdFiConfig, MemoryTokenStore, TokenStore
from edfi_cte.ods.clock import Clock
from tests.ods.dialects import DIALECTS, Dialect

T = TypeVar("T")

KEY, SECRET = "populatedKey", "thePopulatedSecret"
STUDENT = {"studentUniqueId": "604822"}
TRIES = 6
"""How often the client tries what may pass, by default."""

Fault = Callable[["FakeApi", web.Request], Awaitable[web.StreamResponse]]


class StillClock(Clock):
    """Sleeping takes no time, but moves the clock; waits are noted. Random numbers are the highest allowed."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return super().now() + self.ahead

    def utc(self) -> datetime:
        return super().utc() + timedelta(seconds=self.ahead)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.ahead += seconds
        await asyncio.sleep(0)

    def uniform(self, low: float, high: float) -> float:  # noqa: ARG002
        return high


@dataclass
class Seen:
    """One request the API got. ``status`` is 0 while, and if never, answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    raw_path: str
    status: int = 0


@dataclass
class FakeApi:
    dialect: Dialect = field(default_factory=lambda: DIALECTS["7.3"])
    max_limit: int = 500
    expires_in: float = 1800
    max_live_tokens: int | None = None
    root: Callable[[str], Any] | None = None
    key_property: str = "studentUniqueId"
    on_page: Callable[[], None] | None = None
    ssl: Any = None

    def __post_init__(self) -> None:
        self.items: dict[str, dict[str, dict[str, Any]]] = {}
        self.serials: dict[str, int] = {}
        self.seen: list[Seen] = []
        self.tokens: list[str] = []
        self.live: set[str] = set()
        self.faults: list[Fault] = []
        self.token_faults: list[Fault] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.delay = 0.0

    # The stage

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(ready),), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self.ssl)
        await site.start()
        self.port = runner.addresses[0][1]
        ready.set()
        await self._done.wait()
        await runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"{'https' if self.ssl else 'http'}://127.0.0.1:{self.port}"

    def config(self, **changes: Any) -> EdFiConfig:
        return EdFiConfig(**{"base_url": self.base_url, "client_id": KEY, "client_secret": SECRET, **changes})

    # What it saw

    def data_requests(self, method: str | None = None) -> list[Seen]:
        return [s for s in self.seen if s.path.startswith("/data") and method in (None, s.method)]

    @property
    def token_requests(self) -> int:
        return sum(s.path.endswith("/oauth/token") for s in self.seen)

    def statuses(self) -> Counter[int]:
        """Of the data's requests."""
        return Counter(s.status for s in self.data_requests())

    def fail(self, *faults: Fault) -> None:
        """The next requests for data are answered by these, one each."""
        self.faults.extend(faults)

    def add(self, resource: str, count: int, start: int = 0) -> list[str]:
        return [self.put_item(resource, {self.key_property: f"{start + n:06d}"}) for n in range(count)]

    def put_item(self, resource: str, document: dict[str, Any], identity: str | None = None) -> str:
        identity = identity or (str(uuid.uuid4()) if self.dialect.dashed_ids else uuid.uuid4().hex)
        self.items.setdefault(resource, {})[identity] = document
        self.serials.setdefault(identity, len(self.serials))
        return identity

    def revoke_tokens(self) -> None:
        self.live.clear()

    # Its answers

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(
            request.method,
            request.path,
            dict(request.query),
            dict(request.headers),
            await request.read(),
            request.raw_path,
        )
        self.seen.append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            response = await self._route(request, seen)
        finally:
            self.in_flight -= 1
        seen.status = response.status
        return response

    async def _route(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        if request.path.endswith("/oauth/token"):
            if self.token_faults:
                return await self.token_faults.pop(0)(self, request)
            return self._grant(seen)
        if not request.path.startswith("/data") and not request.path.endswith("/oauth/token_info"):
            document = (self.root or self.dialect.root)(self.base_url)
            return document if isinstance(document, web.Response) else web.json_response(document)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.live:
            return self.no_token()
        if request.path.endswith("/oauth/token_info"):
            return self._token_info(seen)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.faults:
            return await self.faults.pop(0)(self, request)
        return self.serve_data(request, seen.body)

    def no_token(self) -> web.Response:
        if not self.dialect.problems:
            return web.Response(status=401)
        return self.refuse(401, "security:authentication", "The caller could not be authenticated.")

    def _grant(self, seen: Seen) -> web.Response:
        expected = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        if seen.headers.get("Authorization") != expected or form != {"grant_type": "client_credentials"}:
            return web.json_response({"error": "invalid_client"}, status=self.dialect.wrong_secret)
        if self.max_live_tokens is not None and len(self.live) >= self.max_live_tokens:
            return self.refuse(429, "security:authentication:too-many-tokens", "Too many tokens.")
        token = uuid.uuid4().hex
        self.tokens.append(token)
        self.live.add(token)
        return web.json_response({"access_token": token, "expires_in": self.expires_in, "token_type": "bearer"})

    def _token_info(self, seen: Seen) -> web.Response:
        token = parse_qs(seen.body.decode())["token"][0]
        if token not in self.live:
            status = 400 if self.dialect.problems else 404
            return self.refuse(status, "bad-request", "An invalid token was provided")
        body = {
            "active": True,
            "client_id": KEY,
            "namespace_prefixes": ["uri://ed-fi.org"],
            "education_organizations": [
                {"education_organization_id": 39141, "type": "edfi.LocalEducationAgency"},
                {"education_organization_id": 39142, "type": "edfi.School"},
            ],
        }
        return web.json_response(body | ({"claim_set": {"name": "SIS Vendor"}} if self.dialect.name == "7.3" else {}))

    def refuse(self, status: int, kind: str, text: str, **more: Any) -> web.Response:
        return web.json_response(self.dialect.error(status, kind, text, **more), status=status)

    def serve_data(self, request: web.Request, body: bytes) -> web.Response:
        parts = request.path.removeprefix(self.dialect.data_path).strip("/").split("/")
        resource, rest = "/".join(parts[:2]).removeprefix("ed-fi/"), parts[2:]
        held = self.items.setdefault(resource, {})
        if rest == ["partitions"]:
            return self._partitions(held, int(request.query["number"]))
        if rest:
            return self._item(request, held, rest[0], body)
        return self._upsert(request, resource, body) if request.method == "POST" else self._page(request, held)

    def _upsert(self, request: web.Request, resource: str, body: bytes) -> web.Response:
        document = json.loads(body)
        if "id" in document:
            return self.refuse(400, "bad-request:data-validation-failed", "Resource identifiers cannot be assigned.")
        key = document.get(self.key_property)
        held = self.items.get(resource, {})
        known = next((i for i, d in held.items() if d.get(self.key_property) == key), None)
        identity = self.put_item(resource, document, known)
        headers = {
            "Location": f"{self.dialect.location_host}{request.path}/{identity}",
            "ETag": f'"{_etag(document)}"',
        }
        return web.Response(status=200 if known else 201, headers=headers)

    def _item(self, request: web.Request, held: dict[str, Any], identity: str, body: bytes) -> web.Response:
        if identity not in held:
            return self.refuse(404, "not-found", "Resource was not found.")
        match = request.headers.get("If-Match")
        if match is not None and match.strip('"') != _etag(held[identity]):
            return self.refuse(412, "optimistic-lock-failed", "The item has been modified by another user.")
        if request.method == "DELETE":
            del held[identity]
            return web.Response(status=204)
        if request.method == "GET":
            return web.json_response(self._shown(identity, held[identity]))
        document = json.loads(body)
        if self.dialect.put_needs_id and document.get("id") != identity:
            return self.refuse(400, "bad-request:data-validation-failed", "Request body id must match the id.")
        held[identity] = {name: value for name, value in document.items() if name != "id"}
        return web.Response(status=204, headers={"ETag": f'"{_etag(held[identity])}"'})

    def _shown(self, identity: str, document: dict[str, Any]) -> dict[str, Any]:
        extra = {} if self.dialect.name == "5.3" else {"_lastModifiedDate": "2026-01-05T10:00:00.1234567Z"}
        return {"id": identity, **document, "_etag": _etag(document), **extra}

    def _page(self, request: web.Request, held: dict[str, Any]) -> web.Response:
        query = request.query
        limit = int(query.get("limit") or query.get("pageSize") or self.dialect.default_limit)
        if limit > self.max_limit:
            return self.refuse(
                400,
                "bad-request:parameter-validation-failed",
                f"Limit must be omitted or set to a value between 0 and {self.max_limit}.",
            )
        if self.on_page:
            self.on_page()
        paging = {"limit", "offset", "totalCount", "pageToken", "pageSize"}
        wanted = {name: value for name, value in query.items() if name not in paging}
        rows = [
            (self.serials[identity], identity, document)
            for identity, document in sorted(held.items(), key=self._order)
            if all(str(document.get(name)) == value for name, value in wanted.items())
        ]
        headers = {}
        if "pageToken" in query:
            low, high = _span(query["pageToken"])
            page = [row for row in rows if low <= row[0] <= high][:limit]
            if page and page[-1][0] < high:
                headers["Next-Page-Token"] = _page_token(page[-1][0] + 1, high)
        else:
            offset = int(query.get("offset", 0))
            page = rows[offset : offset + limit]
            if page and self.dialect.cursor:
                headers["Next-Page-Token"] = _page_token(page[-1][0] + 1, 2**31)
        if query.get("totalCount") == "true":
            headers["Total-Count"] = str(len(rows))
        return web.json_response([self._shown(i, d) for _, i, d in page], headers=headers)

    def _order(self, entry: tuple[str, dict[str, Any]]) -> tuple[int, str]:
        """Up to 7.2 by natural key, from 7.3 on by row number."""
        identity, document = entry
        return (self.serials[identity] if self.dialect.cursor else 0, str(document.get(self.key_property)))

    def _partitions(self, held: dict[str, Any], number: int) -> web.Response:
        if not self.dialect.cursor:
            return self.refuse(404, "not-found", "The specified data could not be found.")
        serials = sorted(self.serials[identity] for identity in held)
        size = max(-(-len(serials) // number), 5 * self.max_limit)
        cuts = [*serials[::size], 2**31]
        return web.json_response(
            {"pageTokens": [_page_token(low, high - 1) for low, high in itertools.pairwise(cuts)]}
        )


def _etag(document: dict[str, Any]) -> str:
    return str(abs(hash(json.dumps(document, sort_keys=True))))


def _page_token(low: int, high: int) -> str:
    return base64.urlsafe_b64encode(f"{low},{high}".encode()).decode().rstrip("=")


def _span(token: str) -> tuple[int, int]:
    low, high = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(",")
    return int(low), int(high)


def with_client(
    api: FakeApi,
    work: Callable[[EdFiClient], Awaitable[T]],
    *,
    clock: Clock | None = None,
    store: TokenStore | None = None,
    **changes: Any,
) -> T:
    """What ``work`` returns, on a client of its own for ``api``; no token is shared and no time passes."""

    async def run() -> T:
        async with EdFiClient(
            api.config(**changes), token_store=store or MemoryTokenStore(), clock=clock or StillClock()
        ) as client:
            return await work(client)

    return asyncio.run(run())


def upsert(client: EdFiClient) -> Any:
    """Work for :func:`with_client`: one write."""
    return client.upsert("students", STUDENT)


def read(client: EdFiClient) -> Any:
    """Work for :func:`with_client`: a collection, to its end."""
    return client.find("students", {})
