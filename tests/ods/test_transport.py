"""Credentials and data go to the host of the connection, over TLS, and nowhere else."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientTimeout, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edfi_cte.ods import RedirectRefused, TlsFailed, Unreachable
from edfi_cte.ods.transport import _environment_proxy, _timeout
from tests.ods.fake_api import FakeApi, Fault, with_client
from tests.ods.faults import answers


def redirect(status: int, to: str) -> Fault:
    return answers(status, Location=to)


def upsert(client: Any) -> Any:
    return client.upsert("students", {"studentUniqueId": "604822"})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_refused(status: int) -> None:
    with FakeApi() as api, FakeApi() as other:
        for call in (upsert, lambda client: client.find("students", {"studentUniqueId": "604822"})):
            api.fail(redirect(status, f"{other.base_url}/data/v3/ed-fi/students?x=604822"))
            with pytest.raises(RedirectRefused) as caught:
                with_client(api, call)
            assert "redirected to 127.0.0.1" in str(caught.value)
            assert "604822" not in str(caught.value)
    assert other.seen == []


def test_a_token_request_is_not_redirected_to_another_host() -> None:
    with FakeApi() as api, FakeApi() as other:
        api.token_faults = [redirect(307, f"{other.base_url}/oauth/token")]
        with pytest.raises(RedirectRefused):
            with_client(api, upsert)
    assert other.seen == []


def test_a_redirect_within_the_host_is_followed() -> None:
    with FakeApi() as api:
        api.fail(redirect(307, "/data/v3/ed-fi/students"))
        assert with_client(api, upsert).created
        api.fail(redirect(302, "/data/v3/ed-fi/students?limit=500&offset=0&totalCount=true"))
        assert len(with_client(api, lambda client: client.find("students", {}))) == 1


def test_a_write_is_not_turned_into_a_read_by_a_redirect() -> None:
    with FakeApi() as api:
        api.fail(redirect(302, "/data/v3/ed-fi/students"))
        with pytest.raises(RedirectRefused):
            with_client(api, upsert)


@pytest.mark.parametrize("to", ["http://[", "https:///x", "mailto:x@example.gov"])
def test_a_redirect_to_no_address_is_refused(to: str) -> None:
    with FakeApi() as api:
        api.fail(redirect(307, to))
        with pytest.raises(RedirectRefused):
            with_client(api, upsert)


def test_redirects_in_a_circle_end() -> None:
    with FakeApi() as api:
        api.faults = [redirect(307, "/data/v3/ed-fi/students")] * 100
        with pytest.raises(RedirectRefused, match="more than"):
            with_client(api, upsert)
    assert len(api.data_requests()) == 3


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with FakeApi(ssl=own_certificate(tmp_path)) as api:
        with pytest.raises(TlsFailed) as caught:
            with_client(api, upsert)
        assert (api.seen, caught.value.tries) == ([], 1)
        assert "verify_tls" in caught.value.advice

        assert with_client(api, upsert, verify_tls=False).created


def test_an_address_that_is_not_https_is_no_matter_of_certificates() -> None:
    with FakeApi() as api, pytest.raises(TlsFailed, match="speaks no TLS") as caught:
        with_client(api, upsert, base_url=api.base_url.replace("http:", "https:"))
    assert "whether it is https" in caught.value.advice


def own_certificate(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    both = directory / "server.pem"
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


def test_the_environments_proxy_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.gov:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example.gov:3128")
    monkeypatch.setenv("no_proxy", "direct.example.gov")

    assert _environment_proxy("https://ods.example.gov/api") == "http://proxy.example.gov:3128"
    assert _environment_proxy("https://direct.example.gov/api") is None
    assert _environment_proxy("http://127.0.0.1:8080") is None


def test_a_proxy_may_be_named_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.gov:3128")
    assert _environment_proxy("https://ods.example.gov/api") == "http://proxy.example.gov:3128"


def test_a_proxy_that_does_not_let_us_through_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApi() as refusing, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{bound.getsockname()[1]}"
        for proxy, said in (
            (refusing.base_url, "the proxy refuses to connect to ods.example.gov:443 (4"),
            (f"http://{nobody}", f"{nobody} cannot be reached"),
            ("http://no-such-proxy.invalid:3128", "no-such-proxy.invalid is not known"),
        ):
            monkeypatch.setattr("edfi_cte.ods.transport._environment_proxy", lambda _, proxy=proxy: proxy)
            with pytest.raises(Unreachable) as caught:
                with_client(refusing, upsert, base_url="https://ods.example.gov")
            assert said in str(caught.value)
            assert not caught.value.outcome_unknown


def test_cookies_are_not_kept() -> None:
    async def set_cookie(api: FakeApi, request: web.Request) -> web.Response:
        response = web.Response(status=201)
        response.set_cookie("session", "x")
        return response

    async def work(client: Any) -> None:
        await upsert(client)
        await upsert(client)

    with FakeApi() as api:
        api.fail(set_cookie)
        # aiohttp keeps no cookies of bare addresses anyhow.
        with_client(api, work, base_url=api.base_url.replace("127.0.0.1", "localhost"))
    assert all("Cookie" not in seen.headers for seen in api.seen)


def test_a_requests_own_timeout_bounds_connecting_each_read_and_both_together() -> None:
    assert _timeout(2, 3) == ClientTimeout(total=5, connect=2, sock_read=3)
