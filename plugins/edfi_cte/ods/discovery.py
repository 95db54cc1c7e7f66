"""Finds out what is at a base URL: version, data standard, and the addresses to use.

Reads the root document (ODS/API VersionController, DMS DiscoveryAPI.feature). What it says is taken with care: behind
a proxy it may name hosts that only the server knows, year-specific ODS/APIs up to 6.2 show the server's current
calendar year, and later ones show placeholders.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from yarl import URL

from . import errors
from .capabilities import DMS, UNKNOWN, Capabilities, capabilities_of
from .config import EdFiConfig
from .errors import ConfigurationError, EdFiError
from .message import Answer, Request
from .values import plain_text
from .wire import Wire

log = logging.getLogger(__name__)

_LONGEST_ADDRESS = 1000
"""Characters: the ledger keeps where records were sent."""
_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_YEAR_AT_END = re.compile(r"/\d{4}$")
_BLOCKED = (errors.AuthenticationFailed, errors.AuthorizationDenied, errors.NotFound, errors.MalformedAnswer)


@dataclass(frozen=True, slots=True)
class ApiInfo:
    """``version`` of the API ("7.3") and ``data_standard`` ("5.2.0") are "" where discovery is blocked.

    The addresses end without a slash; ``change_queries_url`` is None where the feature is off, or the
    connection has a ``data_url`` of its own. ``extensions`` are the other data models, by name, with their versions.
    """

    version: str
    data_standard: str
    data_url: str
    token_url: str
    token_info_url: str
    change_queries_url: str | None
    capabilities: Capabilities
    extensions: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        standard = f"data standard {self.data_standard}" if self.data_standard else "data standard unknown"
        version = f" {self.version}" if self.version else ""
        product = "Data Management Service" if self.is_dms else "ODS/API"
        return f"{product}{version or ' of unknown version'}, {standard}"

    @property
    def is_dms(self) -> bool:
        return self.capabilities is DMS


class Discovery:
    def __init__(self, config: EdFiConfig, wire: Wire) -> None:
        self._config = config
        self._wire = wire

    async def run(self) -> ApiInfo:
        """Raises ConfigurationError if the connection lacks a part of the route, NoAnswer if nothing answers."""
        try:
            return await self._find()
        except EdFiError as error:
            error.systemic = True  # without the addresses, every request meets it
            raise

    async def _find(self) -> ApiInfo:
        request = Request("GET", URL(self._config.base_url + "/", encoded=True), "GET the API's root document")
        try:
            answer = await self._wire.retrier.run(request, self._attempt)
            info = api_info(answer.json(request.name), self._config)
        except _BLOCKED as error:
            blocked = error
        else:
            log.info("Found %s at %s.", info, _host(self._config.base_url))
            return info
        return self._fallback(blocked)

    async def _attempt(self, request: Request) -> Answer:
        try:
            answer = await self._wire.ask(request)
        except errors.NotTheApi as error:
            # A gateway that hides the root document hides it for good; the data may be there all the same.
            hidden = errors.AuthorizationDenied(error.message, status=error.status)
        else:
            answer.json(request.name)
            return answer
        raise hidden

    def _fallback(self, blocked: EdFiError) -> ApiInfo:
        """The addresses that every ODS/API has; never a guess about the school year."""
        config = self._config
        routed = config.school_year or config.tenant or config.instance or config.route
        if routed and not (config.data_url and config.token_url):
            raise ConfigurationError(
                f"The API's root document cannot be read ({blocked.type}), so the address of the connection's "
                "school year, tenant or instance is not known.",
                advice="Set data_url and token_url in the connection.",
            )
        log.warning(
            "The root document of %s cannot be read (%s): assuming /data/v3 and /oauth/token, version unknown.",
            _host(config.base_url),
            blocked.type,
        )
        token_url = config.token_url or f"{config.base_url}/oauth/token"
        data_url = config.data_url or f"{config.base_url}/data/v3"
        return ApiInfo(
            version="",
            data_standard="",
            data_url=data_url,
            token_url=token_url,
            token_info_url=_beside(token_url),
            change_queries_url=None,
            capabilities=DMS if data_url.endswith("/data") else UNKNOWN,
        )


def api_info(document: Any, config: EdFiConfig) -> ApiInfo:
    """What a root document and the connection say together."""
    urls = document.get("urls") if isinstance(document, dict) else None
    if not isinstance(urls, dict) or not isinstance(urls.get("dataManagementApi"), str):
        raise errors.MalformedAnswer(
            "The root document does not name the API's addresses.",
            advice="Check that the connection's host is the root of an Ed-Fi API, without /data/v3.",
        )
    try:
        addresses = _Addresses(document, urls, config)
    except ValueError:
        raise errors.MalformedAnswer("The root document names an address that is none.") from None
    version = plain_text(document.get("version"))
    told = _objects(document.get("dataModels"))
    models = {name: plain_text(m.get("version")) for m in told if (name := plain_text(m.get("name")))}
    data_url = config.data_url or addresses.data()
    token_url = config.token_url or addresses.of("oauth") or f"{config.base_url}/oauth/token"
    introspection = None if config.token_url else addresses.of("oauthTokenIntrospection") or addresses.of("tokenInfo")
    return ApiInfo(
        version=version,
        data_standard=models.pop("Ed-Fi", ""),
        data_url=data_url,
        token_url=token_url,
        token_info_url=introspection or _beside(token_url),
        # The document that was wrong about the data is no guide to their changes.
        change_queries_url=None if config.data_url else addresses.of("changeQueries"),
        capabilities=capabilities_of(version, dms=addresses.is_dms),
        extensions=models,
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


class _Addresses:
    """The root document's addresses, made fit for use from here."""

    def __init__(self, document: Mapping[str, Any], urls: Mapping[str, Any], config: EdFiConfig) -> None:
        self._config = config
        self._urls = {name: unquote(url).rstrip("/") for name, url in urls.items() if isinstance(url, str)}
        self._mode = str(document.get("apiMode", "")).lower()
        data_path = urlsplit(self._urls["dataManagementApi"]).path
        self.is_dms = data_path.endswith("/data")
        before_data = data_path.rpartition("/data")[0] + "/"
        self._root = _common_root([before_data, *(urlsplit(url).path for url in self._urls.values())])

    def data(self) -> str:
        """Of the data. Up to 6.2 the year stands at its end, and is the server's, not the client's."""
        url = self._urls["dataManagementApi"]
        if "year" in self._mode or _YEAR_AT_END.search(urlsplit(url).path):
            year = self._part("school_year", self._config.school_year)
            url = f"{_YEAR_AT_END.sub('', url)}/{year}"
        return self._usable(url)

    def of(self, name: str) -> str | None:
        url = self._urls.get(name)
        if url is None:
            return None
        if _YEAR_AT_END.search(url) and self._config.school_year:
            url = f"{_YEAR_AT_END.sub('', url)}/{self._config.school_year}"
        return self._usable(url)

    def _usable(self, url: str) -> str:
        """``url`` on the connection's own host, with its placeholders filled.

        A root document may name an inner host or path that a proxy hides. The secret goes to no host but the
        connection's.
        """
        parts, base = urlsplit(url), urlsplit(self._config.base_url)
        path = parts.path
        if parts.hostname != base.hostname or not path.startswith(base.path + "/"):
            path = base.path + path.removeprefix(self._root)
        filled = _PLACEHOLDER.sub(self._fill, path)
        address = urlunsplit((base.scheme, base.netloc, quote(filled, safe="/"), "", ""))
        if len(address) > _LONGEST_ADDRESS:
            raise errors.MalformedAnswer(
                f"The root document names an address of more than {_LONGEST_ADDRESS} characters."
            )
        return address

    def _fill(self, placeholder: re.Match[str]) -> str:
        name, config = placeholder[1], self._config
        if name in config.route:
            return config.route[name]
        if "year" in name.lower():
            return self._part("school_year", config.school_year)
        if name.lower().startswith("tenant"):
            return self._part("tenant", config.tenant)
        if name.lower().startswith("instance"):
            return self._part("instance", config.instance)
        return self._part(f"route, a value for {name!r},", None)

    def _part(self, option: str, value: object) -> str:
        if value is None:
            raise ConfigurationError(
                f"This API's addresses need the connection's {option} and it is not set.",
                advice=f"Set {option.split(',')[0]}.",
            )
        return str(value)


def _common_root(paths: list[str]) -> str:
    """The path that all addresses share, up to the first placeholder: where the server believes its root is."""
    shared: list[str] = []
    for parts in zip(*(path.split("/")[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1 or "{" in parts[0]:
            break
        shared.append(parts[0])
    return "/".join(shared)


def _beside(token_url: str) -> str:
    return token_url.rpartition("/")[0] + "/token_info"


def _host(url: str) -> str:
    return urlsplit(url).netloc
