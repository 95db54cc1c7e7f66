"""The HTTP server itself, over plain sockets: what client libraries hide."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sandbox.ods import Fault, RunningOds, serve


@pytest.fixture(scope="module")
def running() -> Iterator[RunningOds]:
    with serve() as ods:
        yield ods


@pytest.fixture
def ods(running: RunningOds) -> RunningOds:
    running.control.reset()
    return running


def exchange(ods: RunningOds, *parts: bytes, answers: int = 1) -> str:
    """Sends bytes over one connection and reads until so many answers came or the server closed."""
    with socket.create_connection(("127.0.0.1", ods.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while received.count(b"HTTP/1.1 ") < answers or not received.endswith((b"}", b"\r\n\r\n", b"]")):
            chunk = connection.recv(65536)
            if not chunk:
                break
            received += chunk
        return received.decode()


def request(target: str, method: str = "GET", *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def statuses(text: str) -> list[str]:
    return [part[:3] for part in text.split("HTTP/1.1 ")[1:]]


def test_pipelined_requests_are_answered_in_order(ods: RunningOds) -> None:
    """Even when the first one has to wait."""
    with ods.control.faults(Fault("latency", path="/nowhere", seconds=0.05)):
        text = exchange(ods, request("/nowhere") + request("/") + request("/oauth/token", "PATCH"), answers=3)
    assert statuses(text) == ["404", "200", "405"]


def test_a_chunked_body_is_put_together(ods: RunningOds) -> None:
    form = b"grant_type=client_credentials&client_id=sandbox-key&client_secret=sandbox-secret"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (form[:20], form[20:])) + b"0\r\n\r\n"
    head = request(
        "/oauth/token", "POST", "Transfer-Encoding: chunked", "Content-Type: application/x-www-form-urlencoded"
    )
    assert '"token_type":"bearer"' in exchange(ods, head, chunks)


def test_a_client_may_ask_before_it_sends_the_body(ods: RunningOds) -> None:
    form = b"grant_type=client_credentials&client_id=sandbox-key&client_secret=sandbox-secret"
    head = request(
        "/oauth/token",
        "POST",
        "Expect: 100-continue",
        f"Content-Length: {len(form)}",
        "Content-Type: application/x-www-form-urlencoded",
    )
    assert statuses(exchange(ods, head, form, answers=2)) == ["100", "200"]


def test_an_offer_of_http_2_is_ignored(ods: RunningOds) -> None:
    """Java's client makes one with every request; the body must not get lost, nor the connection."""
    form = b"grant_type=client_credentials&client_id=sandbox-key&client_secret=sandbox-secret"
    offered = request(
        "/oauth/token",
        "POST",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        f"Content-Length: {len(form)}",
        "Content-Type: application/x-www-form-urlencoded",
    )
    text = exchange(ods, offered, form, offered + form, request("/nowhere"), answers=3)
    assert statuses(text) == ["200", "200", "404"]


def test_a_tunnel_is_not_opened(ods: RunningOds) -> None:
    assert statuses(exchange(ods, request("elsewhere:443", "CONNECT"))) == ["404"]


def test_the_answer_to_head_has_no_body(ods: RunningOds) -> None:
    text = exchange(ods, request("/data/v3/ed-fi/students", "HEAD") + request("/nowhere", "HEAD"), answers=2)
    assert statuses(text) == ["401", "404"]
    assert "{" not in text


def test_what_is_not_http_is_refused(ods: RunningOds) -> None:
    text = exchange(ods, b"hello\r\n\r\n")
    assert statuses(text) == ["400"]
    assert "Connection: close" in text


def test_a_method_that_is_not_supported_says_which_are(ods: RunningOds) -> None:
    text = exchange(ods, request("/oauth/token", "GET"))
    assert statuses(text) == ["405"]
    assert "Allow: POST\r\n" in text
