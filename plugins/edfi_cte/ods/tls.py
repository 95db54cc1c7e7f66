"""TLS as the connection and the environment ask for it, and what a failed handshake means."""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

from .config import EdFiConfig
from .errors import ConfigurationError, EdFiError, TlsFailed

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Read as requests does. SSL_CERT_FILE and SSL_CERT_DIR are OpenSSL's own."""

# OpenSSL's X509_V_ERR codes.
_EXPIRED, _NOT_YET_VALID = 10, 9
_WRONG_NAMES = (62, 64)
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
_AGAINST_THE_STANDARD = range(79, 94)
"""Looked for by Python 3.13 and later (``ssl.VERIFY_X509_STRICT``); 79, no authority's certificate, by each."""


def ssl_context(config: EdFiConfig) -> ssl.SSLContext | bool:
    """What aiohttp takes as ``ssl``. Raises ConfigurationError for a file that can't be used."""
    if not config.verify_tls and not config.client_cert:
        return False
    bundle, named_by = _bundle(config)
    if config.verify_tls and not config.client_cert:
        own = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
        return _shared_authorities(bundle, named_by, tuple((path, _changed_at(path)) for path in (bundle, *own)))
    context = _authorities(bundle, named_by)
    if not config.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.client_cert:
        try:
            # A key with a password would have OpenSSL ask for it at a terminal.
            context.load_cert_chain(config.client_cert, config.client_key, password=lambda: b"")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"The connection's client_cert, with its key, can't be used ({_why(error)}).",
                advice="Give PEM files that every worker may read: the certificate, and its key without a password.",
            ) from None
    return context


@functools.lru_cache(maxsize=16)
def _shared_authorities(bundle: str | None, named_by: str, _version: tuple[object, ...]) -> ssl.SSLContext:
    """Read once a process, for it takes 20 ms a client; anew where another file is named, or the file has changed."""
    return _authorities(bundle, named_by)


def _changed_at(bundle: str | None) -> int | None:
    try:
        return Path(bundle).stat().st_mtime_ns if bundle else None
    except (OSError, ValueError):
        return None


def _authorities(bundle: str | None, named_by: str) -> ssl.SSLContext:
    try:
        if not bundle:
            return ssl.create_default_context()
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{named_by} can't be read as certificates ({_why(error)}).",
            advice="Give the path of a PEM file that every worker has.",
        ) from None


def _bundle(config: EdFiConfig) -> tuple[str | None, str]:
    if config.ca_bundle:
        return config.ca_bundle, "The connection's ca_bundle"
    for name in _CA_VARIABLES:
        if os.environ.get(name):
            return os.environ[name], f"{name} of the environment"
    return None, "The system's bundle"


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate in it").replace("_", " ").lower()
    return getattr(error, "strerror", None) or "not a path"


def not_accepted(error: Exception | None, name: str, host: str) -> EdFiError:
    """The API's certificate was not accepted: why, and what to do about that."""
    code = getattr(error, "verify_code", None)
    if code == _EXPIRED:
        return TlsFailed(
            f"{name}: the TLS certificate has expired, that of {host}.",
            advice="Ask the API's administrator to renew it. Check this machine's clock, too.",
        )
    if code == _NOT_YET_VALID:
        return TlsFailed(
            f"{name}: the TLS certificate is not valid yet, that of {host}.",
            advice="Check this machine's clock. If it is right, tell the API's administrator.",
        )
    if code in _WRONG_NAMES:
        return TlsFailed(
            f"{name}: the TLS certificate is for another name than {host}.",
            advice=(
                "Write the host in the Base URL as the certificate has it, or ask the API's administrator to correct "
                "the certificate."
            ),
        )
    if code in _UNKNOWN_AUTHORITY:
        return TlsFailed(
            f"{name}: the TLS certificate's authority is not known to this machine, that of {host}.",
            advice="Set ca_bundle in the connection (or REQUESTS_CA_BUNDLE, SSL_CERT_FILE) to a PEM file with the "
            "authority's certificate. Switch verify_tls off only on a test network.",
        )
    said = getattr(error, "verify_message", "")
    if code in _AGAINST_THE_STANDARD:
        return TlsFailed(
            f"{name}: the TLS certificate, or its authority's, breaks the X.509 standard ({said}), that of {host}.",
            advice="Ask whoever issued it to issue it again with what is missing. Python 3.13 and later refuse it; "
            "until then, run the workers on Python 3.12, which may take it.",
        )
    why = f" ({said})" if said else ""
    return TlsFailed(f"{name}: the TLS certificate was not accepted{why}, that of {host}.")


def client_refused(error: BaseException | None, name: str, host: str) -> EdFiError | None:
    """The error, where the API's side of TLS has asked for a certificate of ours, or refused it."""
    while error is not None:
        # aiohttp's own SSL errors have no reason; the one behind them has.
        reason = (getattr(error, "reason", None) or "").upper() if isinstance(error, ssl.SSLError) else ""
        if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
            return TlsFailed(
                f"{name}: {host} wants a client certificate, or does not take the one it was shown.",
                advice="Set client_cert (and client_key) in the connection to the PEM files from the API's host.",
            )
        error = error.__cause__ or error.__context__
    return None
