"""HTTP on asyncio: a lean protocol on httptools, since speed is a requirement (see the README's measurement).

Requests of one connection are answered in order. The application answers at once, in memory; only faults make a
request wait, and those behind it on its connection with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol, cast

import httptools

from sandbox.ods.control_routes import PREFIX
from sandbox.ods.faults import NO_FAULT, Fault, Faults
from sandbox.ods.messages import Request, Response
from sandbox.ods.request_log import RequestLog

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_BODY = frozenset({204, 304})
_GATEWAY_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d %s</h1></center></body></html>"


class Handler(Protocol):
    def handle(self, request: Request) -> Response: ...


class Api(Handler, Protocol):
    def error_on_demand(self, request: Request, status: int) -> Response: ...


class Site:
    """What all connections share: the application, the control endpoint, the faults and the log."""

    def __init__(self, application: Api, control: Handler, faults: Faults, log: RequestLog) -> None:
        self.application = application
        self.control = control
        self.faults = faults
        self.log = log
        self.in_flight = 0
        self._date = ""
        self._date_made = 0.0

    def date(self) -> str:
        """The Date header, made once a second."""
        now = time.time()
        if now - self._date_made >= 1:
            self._date, self._date_made = formatdate(now, usegmt=True), now
        return self._date

    def fault_response(self, request: Request, fault: Fault) -> Response:
        """What a `status` fault sends instead of the answer."""
        if fault.html:
            page = _GATEWAY_PAGE % (fault.status, fault.status, _REASONS.get(fault.status, "").encode())
            response = Response(fault.status, page, content_type="text/html")
        else:
            response = self.application.error_on_demand(request, fault.status)
        if fault.retry_after is not None:
            response.headers.append(("Retry-After", str(fault.retry_after)))
        return response


@lru_cache(maxsize=256)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._send(Response(400), keep_alive=False)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Reads a request again without its offer of another protocol (Java's client offers h2c with every one)."""
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._close()
            return
        lines = [f"{name}: {value}" for name, value in self._headers.items() if name != "upgrade"]
        head = "\r\n".join(["", *lines, "", ""]).encode("latin-1")
        url = self._url
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"%b %b HTTP/1.1" % (method, url) + head + rest)

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[_header_name(name)] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT":
            return  # the parser stops here, before the body
        path, _, query = self._url.partition(b"?")
        request = Request(
            self._parser.get_method().decode(),
            path.decode("latin-1"),
            query.decode("latin-1"),
            self._headers,
            self._body[0] if len(self._body) == 1 else b"".join(self._body),
        )
        keep_alive = self._parser.should_keep_alive()
        if self._task is None:
            self._answer(request, keep_alive=keep_alive)
        else:
            self._waiting.append((request, keep_alive))

    # Answering

    def _answer(self, request: Request, *, keep_alive: bool) -> None:
        site = self._site
        if request.path.startswith(PREFIX):
            self._send(site.control.handle(request), keep_alive=keep_alive)
            return
        verdict = site.faults.judge(request)
        if verdict is NO_FAULT:
            response = self._handled(request)
            site.log.add(request, response.status)
            self._send(response, keep_alive=keep_alive)
            return
        self._task = asyncio.get_running_loop().create_task(
            self._answer_with_fault(request, verdict.delay, verdict.fault, keep_alive=keep_alive)
        )

    def _handled(self, request: Request) -> Response:
        response = self._site.application.handle(request)
        if request.method == "HEAD":
            response.body = b""
        return response

    async def _answer_with_fault(
        self, request: Request, delay: float, fault: Fault | None, *, keep_alive: bool
    ) -> None:
        site = self._site
        site.in_flight += 1
        site.log.in_flight(site.in_flight)
        try:
            if delay:
                await asyncio.sleep(delay)
            carried_out = fault is None or fault.kind == "truncate" or fault.when == "after"
            response = self._handled(request) if carried_out else None
            await self._finish(request, response, fault, keep_alive=keep_alive)
        finally:
            site.in_flight -= 1
            self._task = None
        while self._waiting and self._task is None:
            waiting, keep = self._waiting.popleft()
            self._answer(waiting, keep_alive=keep)

    async def _finish(
        self, request: Request, response: Response | None, fault: Fault | None, *, keep_alive: bool
    ) -> None:
        """Sends the answer, or what the fault makes of it."""
        log = self._site.log
        if fault is None and response is not None:
            log.add(request, response.status, "latency")
            self._send(response, keep_alive=keep_alive)
        elif fault is not None and fault.kind == "status":
            log.add(request, fault.status, "status")
            self._send(self._site.fault_response(request, fault), keep_alive=keep_alive)
        elif fault is not None:
            log.add(request, 0, fault.kind)
            if fault.kind == "stall":
                await asyncio.Event().wait()
            if fault.kind == "truncate" and response is not None:
                self._send(response, keep_alive=False, truncated=True)
            self._abort()

    def _send(self, response: Response, *, keep_alive: bool, truncated: bool = False) -> None:
        if self._transport is None:
            return
        status = response.status
        head = f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nDate: {self._site.date()}\r\n"
        if status not in _NO_BODY:
            head += f"Content-Length: {len(response.body)}\r\n"
        if response.body:
            head += f"Content-Type: {response.content_type}\r\n"
        for name, value in response.headers:
            head += f"{name}: {value}\r\n"
        if not keep_alive:
            head += "Connection: close\r\n"
        whole = f"{head}\r\n".encode("latin-1", "replace") + response.body
        self._transport.write(_broken_off(whole, response.body) if truncated else whole)
        if not keep_alive:
            self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        """Closes without a farewell, as a crashed server does."""
        if self._transport is not None:
            self._transport.close()


def _broken_off(whole: bytes, body: bytes) -> bytes:
    """An answer without the second half of its body; where it has none, of its head."""
    missing = (len(body) or len(whole)) + 1
    return whole[: len(whole) - missing // 2]


async def serve_site(site: Site, host: str, port: int) -> asyncio.Server:
    """Listens; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(site), host, port, backlog=1024)
