"""Certificates as a platform team has them: their own authority, a client's, and what is wrong with one."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edfi_cte.ods import ConfigurationError, EdFiConfig, EdFiError, TlsFailed
from edfi_cte.ods.tls import client_refused, not_accepted, ssl_context
from tests.ods.fake_api import FakeApi, with_client

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_bundle_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _usage(*, signs: bool) -> x509.KeyUsage:
    """What a key is for: an authority's signs certificates, another's a handshake."""
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    return x509.KeyUsage(
        **others, digital_signature=not signs, key_cert_sign=signs, encipher_only=False, decipher_only=False
    )


@dataclass
class Authority:
    """A certificate authority of a test's own. ``without`` an extension are its certificates, and those it issues."""

    folder: Path
    without: type[x509.ExtensionType] | None = None

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Our Authority")])
        own = self._signed(self.name, self.key, until=NOW + DAY, extension=x509.BasicConstraints(True, None))
        self.file = self.folder / "authority.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _signed(self, name: x509.Name, key: Any, *, until: dt.datetime, extension: Any) -> x509.Certificate:
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 3 * DAY)
            .not_valid_after(until)
        )
        # Python 3.13 refuses an authority without these (ssl.VERIFY_X509_STRICT).
        wanted = (
            (extension, True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False),
            (_usage(signs=key is self.key), True),
        )
        for one, critical in wanted:
            if type(one) is not self.without:
                made = made.add_extension(one, critical=critical)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, address: str, *, until: dt.datetime = NOW + DAY) -> Path:
        """A certificate for an address, with its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = self._signed(name, key, until=until, extension=names)
        file = self.folder / f"{address}-{until:%Y%m%d}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return file


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def serving(certificate: Path, *, clients_of: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients_of:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients_of)
    return context


def upsert(client: Any) -> Any:
    return client.upsert("students", {"studentUniqueId": "604822"})


def test_an_authority_of_our_own_by_the_connection(authority: Authority) -> None:
    with FakeApi(ssl=serving(authority.issue("127.0.0.1"))) as api:
        assert with_client(api, upsert, ca_bundle=str(authority.file)).created


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_of_our_own_by_the_environment(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    with FakeApi(ssl=serving(authority.issue("127.0.0.1"))) as api:
        assert with_client(api, upsert).created


def test_a_bundle_that_was_replaced_is_read_anew(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Authority(other).file.read_bytes())
    with FakeApi(ssl=serving(authority.issue("127.0.0.1"))) as api:
        with pytest.raises(TlsFailed):
            with_client(api, upsert, ca_bundle=str(bundle))
        bundle.write_bytes(authority.file.read_bytes())
        assert with_client(api, upsert, ca_bundle=str(bundle)).created


@pytest.mark.parametrize(
    ("address", "until", "known", "said", "advice"),
    [
        ("127.0.0.1", NOW + DAY, False, "authority is not known to this machine", "ca_bundle"),
        ("127.0.0.1", NOW - DAY, True, "has expired", "renew"),
        ("127.0.0.2", NOW + DAY, True, "is for another name", "Base URL"),
    ],
    ids=["unknown authority", "expired", "wrong name"],
)
def test_what_is_wrong_with_a_certificate_is_told_apart(
    authority: Authority, address: str, until: dt.datetime, known: bool, said: str, advice: str
) -> None:
    options = {"ca_bundle": str(authority.file)} if known else {}
    with FakeApi(ssl=serving(authority.issue(address, until=until))) as api:
        with pytest.raises(TlsFailed) as caught:
            with_client(api, upsert, **options)
        assert api.seen == []
    assert said in caught.value.message
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([2, 18, 19, 20, 21], "authority is not known to this machine"),
        ([9], "is not valid yet"),
        ([10], "has expired"),
        ([62, 64], "is for another name"),
        ([*range(79, 94)], "breaks the X.509 standard (as it says)"),
        ([1, 3, 8, 11, 17, 22, 61, 63, 65, 78, 94], "was not accepted (as it says)"),
    ],
)
def test_each_of_openssls_codes_has_its_sentence(codes: list[int], said: str) -> None:
    """The codes are X509_V_ERR's, of OpenSSL's page "X509_STORE_CTX_get_error"."""
    for code in codes:
        error = ssl.SSLCertVerificationError()
        error.verify_code, error.verify_message = code, "as it says"
        assert said in str(not_accepted(error, "GET students", "ods.example")), code


@pytest.mark.parametrize(
    ("without", "lacks"),
    [
        (x509.KeyUsage, "CA cert does not include key usage extension"),
        (x509.SubjectKeyIdentifier, "Missing Subject Key Identifier"),
        (x509.AuthorityKeyIdentifier, "Missing Authority Key Identifier"),
    ],
)
def test_what_python_3_13_misses_in_a_certificate_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: type[x509.ExtensionType], lacks: str
) -> None:
    """Earlier ones take it, unless they are told to be as strict."""
    authority = Authority(tmp_path, without)
    default = ssl.create_default_context

    def strict(**options: Any) -> ssl.SSLContext:
        context = default(**options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    with FakeApi(ssl=serving(authority.issue("127.0.0.1"))) as api:
        monkeypatch.setattr(ssl, "create_default_context", strict)
        with pytest.raises(TlsFailed) as caught:
            with_client(api, upsert, ca_bundle=str(authority.file))
        assert api.seen == []
    assert f"breaks the X.509 standard ({lacks})" in caught.value.message
    assert "issue it again with what is missing" in caught.value.advice
    assert "Python 3.12" in caught.value.advice


def test_a_client_certificate_is_shown(authority: Authority) -> None:
    shown = authority.issue("127.0.0.3")
    server = serving(authority.issue("127.0.0.1"), clients_of=authority.file)
    with FakeApi(ssl=server) as api:
        assert with_client(api, upsert, ca_bundle=str(authority.file), client_cert=str(shown)).created


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", True),
        ("SSLV3_ALERT_BAD_CERTIFICATE", True),
        ("TLSV1_ALERT_UNKNOWN_CA", True),
        ("TLSV1_ALERT_PROTOCOL_VERSION", False),
        ("CERTIFICATE_VERIFY_FAILED", False),
    ],
)
def test_an_alert_is_about_our_certificate_only_if_it_says_so(reason: str, told: bool) -> None:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    behind = OSError("aiohttp's own")
    behind.__cause__ = error
    assert (client_refused(behind, "GET students", "ods.example") is not None) == told


def test_a_missing_client_certificate_is_named(authority: Authority) -> None:
    """By a server that sends TLS's own alert, as asyncio's does not get to do."""
    context = serving(authority.issue("127.0.0.1"), clients_of=authority.file)
    with socket.create_server(("127.0.0.1", 0)) as server, FakeApi() as api:
        thread = threading.Thread(target=handshakes, args=(server, context), daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(TlsFailed, match="wants a client certificate") as caught:
            with_client(api, upsert, base_url=address, ca_bundle=str(authority.file), tries=2)
    assert "client_cert" in caught.value.advice


def handshakes(server: socket.socket, context: ssl.SSLContext) -> None:
    """Shakes hands, says why not, and reads to the end, so that what it said arrives."""
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
                with suppress(OSError):
                    secured.do_handshake()
                with suppress(OSError):
                    socket.socket.shutdown(secured, socket.SHUT_WR)
                    while os.read(secured.fileno(), 65536):
                        pass


@pytest.mark.parametrize("option", ["ca_bundle", "client_cert"])
@pytest.mark.parametrize("content", [None, "no certificate\n"], ids=["missing", "no PEM"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, option: str, content: str | None) -> None:
    file = tmp_path / "file.pem"
    if content:
        file.write_text(content)
    with FakeApi() as api, pytest.raises(ConfigurationError, match=option):
        with_client(api, upsert, **{option: str(file)})


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("shows", [True, False])
def test_the_apis_certificate_is_checked_unless_the_connection_says_not_to(
    authority: Authority, verify: bool, shows: bool
) -> None:
    """Whether or not a certificate of our own is shown."""
    shown = str(authority.issue("127.0.0.3")) if shows else None
    config = EdFiConfig(base_url="https://h", client_id="k", client_secret="s", verify_tls=verify, client_cert=shown)
    context = ssl_context(config)
    if not shows and not verify:
        assert context is False
        return
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (
        (ssl.CERT_REQUIRED, True) if verify else (ssl.CERT_NONE, False)
    )


@pytest.mark.parametrize(
    ("path", "why"), [("/no/such/file.pem", "No such file or directory"), ("a\0b", "not a path")]
)
@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("ca_bundle", "The connection's ca_bundle can't be read as certificates"),
        ("client_cert", "with its key, can't"),
    ],
)
def test_why_a_file_cannot_be_used_is_said(option: str, named: str, path: str, why: str) -> None:
    made: dict[str, Any] = {option: path}
    with pytest.raises(ConfigurationError) as caught:
        ssl_context(EdFiConfig(base_url="https://h", client_id="k", client_secret="s", **made))
    assert named in caught.value.message
    assert f"({why})" in caught.value.message


def test_authorities_are_read_once_for_all_clients_while_nothing_has_changed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def context(**options: Any) -> Any:
        return ssl_context(EdFiConfig(base_url="https://h", client_id="k", client_secret="s", **options))

    named = context(ca_bundle=str(authority.file))
    assert context(ca_bundle=str(authority.file)) is named
    assert context() is not named
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    by_environment = context()
    assert by_environment.cert_store_stats()["x509_ca"] == 1
    monkeypatch.setenv("CURL_CA_BUNDLE", "/no/such/file.pem")
    assert context() is by_environment, "the first that is set counts"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ConfigurationError, match="CURL_CA_BUNDLE of the environment can't be read"):
        context()


def test_a_folder_of_authorities_is_taken(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    context = ssl_context(EdFiConfig(base_url="https://h", client_id="k", client_secret="s", ca_bundle=str(folder)))
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://proxy", "http://", "http://[", "http://user:hunter2@"])
def test_a_proxy_that_is_no_address_is_refused_and_not_echoed(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy must be an address") as caught:
        EdFiConfig(base_url="https://ods.example.gov", client_id="k", client_secret="s", proxy=proxy)
    assert "hunter2" not in str(caught.value)


def test_the_connections_proxy_is_used_and_none_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApi() as api, FakeApi() as proxy:
        # An Ed-Fi API as the proxy: what it is asked for has the other's address, which it does not know.
        with suppress(EdFiError):
            with_client(api, upsert, tries=1, proxy=proxy.base_url)
        assert (api.seen, proxy.seen != []) == ([], True)
        monkeypatch.setattr("edfi_cte.ods.transport._environment_proxy", lambda _: proxy.base_url)
        assert with_client(api, upsert, proxy="none").created


def test_headers_up_to_64_kib_are_read() -> None:
    async def long_header(api: FakeApi, request: web.Request) -> web.Response:
        return web.Response(status=201, headers={"Location": "/x/" + "0" * 32, "X-Gateway": "x" * 60_000})

    with FakeApi() as api:
        api.fail(long_header)
        assert with_client(api, upsert, tries=1).status == 201
