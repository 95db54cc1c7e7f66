"""What a network or a server may do to one request: each is put on :attr:`FakeApi.faults`, or handed to ``fail``."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.ods.dialects import PROBLEM
from tests.ods.fake_api import FakeApi, Fault


def answers(status: int, body: Any = b"", **headers: str) -> Fault:
    """``body``: an object, sent as JSON, or bytes as they are. Header names with ``_`` for ``-``."""

    async def fault(api: FakeApi, request: web.Request) -> web.Response:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=text, headers={"Content-Type": "application/json", **named})

    return fault


def problem(status: int, kind: str, text: str = "…", **headers: str) -> Fault:
    return answers(status, {"detail": text, "type": PROBLEM + kind, "status": status}, **headers)


async def reset(api: FakeApi, request: web.Request) -> web.StreamResponse:
    """The connection breaks before a byte of the answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def reset_in_body(api: FakeApi, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'[{"id":')
    assert request.transport is not None
    request.transport.abort()
    return response


async def stall(api: FakeApi, request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def stall_in_body(api: FakeApi, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'[{"id":')
    await asyncio.sleep(30)
    return response


async def lose_answer(api: FakeApi, request: web.Request) -> web.StreamResponse:
    """The request is carried out, and the connection breaks before its answer."""
    api.serve_data(request, await request.read())
    return await reset(api, request)


def http_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
