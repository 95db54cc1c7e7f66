"""How to reach one Ed-Fi API: what an Airflow connection of type ``edfi`` says, typed and checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from yarl import URL

from edfi_cte.suggestions import did_you_mean

from .errors import ConfigurationError

_LONGEST_URL = 500
"""Characters, as Airflow's own for a host. The ledger keeps the address of the data, a path longer at most."""
_DAY = 86_400
"""Seconds. Nothing is waited for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdFiConfig:
    """Raises ConfigurationError for values that cannot be.

    - ``base_url``: the root of the API, path included, such as ``https://ods.example.gov/api``
    - ``client_id``, ``client_secret``: the key and secret
    - ``school_year``: the ending year (2026 = 2025-26), for APIs with a year in their routes
    - ``tenant``, ``instance``, ``route``: values for further route parts, by placeholder name in ``route``
    - ``data_url``, ``token_url``: the full addresses, where discovery is blocked or wrong
    - ``verify_tls``: False accepts any certificate
    - ``ca_bundle``: a PEM file (or folder) of the authorities to trust in place of the system's
    - ``client_cert``, ``client_key``: PEM files of a certificate to show; its key may be in the same file
    - ``proxy``: the proxy's address; None is what the environment names, ``none`` is no proxy
    - ``allow_http``: True allows plain http to a host other than this machine
    - ``page_size``: items a page; None is as many as the API allows
    - ``concurrency``: the most requests in flight; the client goes lower by itself
    - ``tries``: how often a request is sent before its error counts
    - ``connect_timeout``, ``read_timeout``, ``total_timeout``: seconds for each try, to connect, between two reads,
      and in all; waiting for a turn is not counted
    - ``token_wait``: seconds to wait for a free place where the API has given out too many tokens
    - ``max_retry_after``: the longest ``Retry-After`` that is waited out, in seconds
    - ``max_answer_bytes``: the largest answer that is read
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    school_year: int | None = None
    tenant: str | None = None
    instance: str | None = None
    route: Mapping[str, str] = field(default_factory=dict)
    data_url: str | None = None
    token_url: str | None = None
    verify_tls: bool = True
    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    allow_http: bool = False
    page_size: int | None = None
    concurrency: int = 16
    tries: int = 6
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 120.0
    token_wait: float = 1900.0
    max_retry_after: float = 300.0
    max_answer_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_secret:
            raise ConfigurationError(
                "The connection has no key or no secret.", advice="Fill in both: login and password."
            )
        for name in ("base_url", "data_url", "token_url"):
            if (url := getattr(self, name)) is not None:
                object.__setattr__(self, name, _checked_url(name, url, allow_http=self.allow_http))
        _require(not self.client_key or bool(self.client_cert), "client_key", "needs a client_cert beside it")
        _require(self.proxy is None or _is_proxy(self.proxy), "proxy", f"must be {_A_PROXY}")
        for name, most in (("concurrency", 200), ("tries", 20)):
            _require(1 <= getattr(self, name) <= most, name, f"must be from 1 to {most}")
        for name in ("connect_timeout", "read_timeout", "total_timeout"):
            _require(0 < getattr(self, name) <= _DAY, name, f"must be more than 0 seconds, and at most {_DAY}")
        for name in ("token_wait", "max_retry_after"):
            _require(0 <= getattr(self, name) <= _DAY, name, f"must be from 0 to {_DAY} seconds")
        _require(self.max_answer_bytes >= 1, "max_answer_bytes", "must be at least 1")
        _require(self.page_size is None or self.page_size >= 2, "page_size", "must be at least 2")
        _require(
            self.school_year is None or 1990 <= self.school_year <= 2100,
            "school_year",
            "must be the school year's ending year, such as 2026",
        )

    @property
    def underway(self) -> int:
        """The most requests that are handled at once: some may wait for their next try beside those in flight."""
        return self.concurrency + self.concurrency // 2

    @classmethod
    def from_options(
        cls, *, base_url: str, client_id: str, client_secret: str, options: Mapping[str, Any]
    ) -> EdFiConfig:
        """``options`` as a form or a JSON text has them: by field name, numbers perhaps as text, blanks unset."""
        if unknown := sorted(set(options) - set(_READERS)):
            raise ConfigurationError(
                f"The connection's extra has unknown options: {', '.join(unknown)}."
                f"{did_you_mean(unknown[0], _READERS)}",
                advice=f"Known are: {', '.join(_READERS)}.",
            )
        read = {name: _READERS[name](name, value) for name, value in options.items() if value not in (None, "")}
        return cls(base_url=base_url, client_id=client_id, client_secret=client_secret, **read)

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """What ``from_options`` takes: every field but the address and the credentials."""
        return tuple(_READERS)


def is_loopback(host: str | None) -> bool:
    """True for this machine's own names and addresses."""
    if not host:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require(holds: bool, name: str, rule: str) -> None:
    if not holds:
        raise ConfigurationError(f"The connection's {name} {rule}.", advice=f"Correct {name}.")


def _checked_url(name: str, url: str, *, allow_http: bool) -> str:
    """``url`` in the form that addresses are compared in: host in lower case, no default port, no trailing slash.

    Never echoes it: a mistaken one may hold a password.
    """
    advice = f"Write {'the host' if name == 'base_url' else name} like https://ods.example.gov/api."
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"The connection's {name} is not an address.", advice=advice) from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "{" in url:
        raise ConfigurationError(f"The connection's {name} is not an http(s) address.", advice=advice)
    _require(len(url) <= _LONGEST_URL, name, f"must have at most {_LONGEST_URL} characters")
    if parts.username is not None:
        raise ConfigurationError(
            f"The connection's {name} holds a user name.", advice="Put the key and secret into login and password."
        )
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise ConfigurationError(
            f"The connection's {name} is plain http: the secret and students' data would go out unencrypted.",
            advice="Use https; or, on a network you trust, set allow_http.",
        )
    return str(URL(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")))).rstrip("/")


NO_PROXY = "none"
_A_PROXY = f"an address such as http://proxy.example.gov:3128, or {NO_PROXY}"


def _is_proxy(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return proxy == NO_PROXY or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        return False


def _wrong(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"The connection's {name} is not {what}.", advice=f"Correct {name}.")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool | list | dict):
        raise _wrong(name, "a text")
    return str(value).strip()


def _whole(name: str, value: Any) -> int:
    number = _number(value)
    if number is None or not number.is_integer():
        raise _wrong(name, "a whole number")
    return int(number)


def _seconds(name: str, value: Any) -> float:
    number = _number(value)
    if number is None:
        raise _wrong(name, "a number of seconds")
    return number


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise _wrong(name, "true or false")


def _names(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str | int) for part in value.values()):
        raise _wrong(name, 'a JSON object of texts, such as {"districtId": "39141"}')
    return {str(key): str(part) for key, part in value.items()}


_BY_TYPE: dict[str, Callable[[str, Any], Any]] = {
    "int": _whole,
    "int | None": _whole,
    "float": _seconds,
    "bool": _truth,
    "str | None": _text,
    "Mapping[str, str]": _names,
}
_READERS = {option.name: _BY_TYPE[str(option.type)] for option in fields(EdFiConfig) if option.type != "str"}
