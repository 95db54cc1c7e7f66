"""The hook: an Airflow connection of type ``edfi`` as an Ed-Fi client, asynchronous for bulk, plain for the rest."""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import BaseHook

from edfi_cte.hooks.http import HttpOperatorSupport
from edfi_cte.hooks.session import ClientSession
from edfi_cte.ods import (
    ConfigurationError,
    EdFiClient,
    EdFiConfig,
    EdFiError,
    MemoryTokenStore,
    TokenStore,
    WriteResult,
)
from edfi_cte.provider import FIELD_BEHAVIOUR

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

T = TypeVar("T")

_SHOWN_ORGANIZATIONS = 10


class EdFiHook(HttpOperatorSupport, BaseHook):
    """Reads and writes any resource of the Ed-Fi API that ``edfi_conn_id`` names.

    The verbs below are plain calls; each raises the errors of :mod:`edfi_cte.ods`. They share one session and one
    token until ``close``, or the end of a ``with`` block. For bulk work use :meth:`client`, or :meth:`call`.

    :param edfi_conn_id: the connection; looked up once, on the thread that first needs it
    :param token_store: shares the token beyond this process
    :param http_options: what HttpOperator passes to the hook it asks the connection for; see :mod:`.http`
    """

    conn_name_attr = "edfi_conn_id"
    default_conn_name = "edfi_default"
    conn_type = "edfi"
    hook_name = "Ed-Fi"

    def __init__(
        self,
        edfi_conn_id: str = default_conn_name,
        *,
        token_store: TokenStore | None = None,
        method: str = "GET",
        **http_options: Any,
    ) -> None:
        super().__init__()
        self.edfi_conn_id = edfi_conn_id
        self.method = method.upper()
        self._refuse_unknown(http_options)
        self._token_store = token_store
        self._config: EdFiConfig | None = None
        self._session: ClientSession | None = None
        self._opening = threading.Lock()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """For the form of Airflow 3.1; from 3.2 on the provider's metadata are read instead."""
        return FIELD_BEHAVIOUR

    def config(self) -> EdFiConfig:
        """What the connection says. Raises ConfigurationError if that cannot be."""
        if self._config is None:
            self._config = config_of(self.get_connection(self.edfi_conn_id))
        return self._config

    def client(self) -> EdFiClient:
        """A new client, for ``async with``. Call this outside the event loop: it may look up the connection."""
        return EdFiClient(self.config(), token_store=self._token_store)

    def get_conn(self) -> EdFiClient:
        return self.client()

    def call(self, work: Callable[[EdFiClient], Coroutine[Any, Any, T]]) -> T:
        """Runs ``work`` on the hook's own client and returns its result. Any thread may call."""
        _refuse_inside_event_loop()
        return self._opened().run(work)

    def close(self) -> None:
        """Closes the connections to the API. The next verb opens them again."""
        with self._opening:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> ClientSession:
        with self._opening:
            if self._session is None:
                self._session = ClientSession(self.client())
                weakref.finalize(self, self._session.stop)
            return self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_all(self, resource: str, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The whole collection, each item once. Raises IncompleteRead rather than returning a part."""

        async def read(client: EdFiClient) -> list[dict[str, Any]]:
            return [row async for row in client.iterate(resource, filters)]

        return self.call(read)

    def get(self, resource: str, id: str) -> dict[str, Any]:  # noqa: A002
        """One item. Raises NotFound."""
        return self.call(lambda client: client.get(resource, id))

    def upsert(self, resource: str, document: Mapping[str, Any] | bytes) -> WriteResult:
        """Posts a document: created, or replaced where its natural key is known."""
        return self.call(lambda client: client.upsert(resource, document))

    def put(
        self,
        resource: str,
        id: str,  # noqa: A002
        document: Mapping[str, Any] | bytes,
        *,
        if_match: str | None = None,
    ) -> WriteResult:
        """Replaces an item. Raises NotFound, and PreconditionFailed if its etag is not ``if_match``."""
        return self.call(lambda client: client.put(resource, id, document, if_match=if_match))

    def delete(self, resource: str, id: str, *, if_match: str | None = None) -> bool:  # noqa: A002
        """True if the item was there and is gone now, False if there was none."""
        return self.call(lambda client: client.delete(resource, id, if_match=if_match))

    def total_count(self, resource: str, filters: Mapping[str, Any] | None = None) -> int:
        """How many items the key may see."""
        return self.call(lambda client: client.total_count(resource, filters))

    def test_connection(self) -> tuple[bool, str]:
        """Discovers the API and asks for a new token, so that an old one does not hide a wrong secret.

        Each step is tried once: whoever presses the button waits for the answer.
        """
        try:
            config = replace(self.config(), tries=1, token_wait=0)
            client = EdFiClient(config, token_store=MemoryTokenStore())
            _refuse_inside_event_loop()
            return True, asyncio.run(_reached(client))
        except EdFiError as error:
            return False, str(error)


def config_of(connection: Connection) -> EdFiConfig:
    """An Airflow connection as a config: host is the base URL, login the key, password the secret, extra the rest.

    A connection in URI form has the path after the host as its schema, and no scheme, which then is https.
    """
    host = (connection.host or "").strip()
    if not host:
        raise ConfigurationError(
            f"The connection {connection.conn_id} has no host.",
            advice="Set it to the root of the Ed-Fi API, such as https://ods.example.gov/api.",
        )
    schema = (connection.schema or "").strip().strip("/")
    scheme_alone = schema.lower() in ("http", "https")
    if "://" not in host:
        # A URI's brackets are gone.
        host = f"[{host}]" if host.count(":") > 1 and "[" not in host else host
        host = f"{schema.lower() if scheme_alone else 'https'}://{host}"
    if schema and not scheme_alone:
        host = f"{host.rstrip('/')}/{schema}"
    if connection.port:
        host = _with_port(connection.conn_id, host, connection.port)
    return EdFiConfig.from_options(
        base_url=host,
        client_id=(connection.login or "").strip(),
        client_secret=(connection.password or "").strip(),
        options=_options(connection),
    )


def _options(connection: Connection) -> Mapping[str, Any]:
    """The extra. Of one that is no JSON Airflow makes an empty one, and says so in its log alone."""
    try:
        whole = json.loads(connection.extra or "{}")
    except ValueError:
        whole = None
    if not isinstance(whole, dict):
        raise ConfigurationError(
            f"The connection {connection.conn_id}'s extra is no JSON object.",
            advice='Write it as {"name": value}, or leave it empty.',
        )
    return connection.extra_dejson


def _with_port(conn_id: str, host: str, port: int) -> str:
    """The port where the address has none; the same one may stand in both."""
    scheme, _, rest = host.partition("://")
    name, slash, path = rest.partition("/")
    try:
        written = urlsplit(f"//{name}").port
    except ValueError:
        return host  # No address: EdFiConfig says so.
    if written not in (None, port):
        raise ConfigurationError(
            f"The connection {conn_id} has port {port}, and {written} in its Base URL.", advice="Keep one of them."
        )
    return host if written else f"{scheme}://{name}:{port}{slash}{path}"


def _refuse_inside_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("EdFiHook's plain verbs block the event loop: in async code use 'async with hook.client()'.")


async def _reached(client: EdFiClient) -> str:
    async with client:
        api = await client.discover()
        info = await client.token_info()
    ids = [str(identity) for identity in info.education_organization_ids]
    more = f" and {len(ids) - _SHOWN_ORGANIZATIONS} more" if len(ids) > _SHOWN_ORGANIZATIONS else ""
    organizations = f"{', '.join(ids[:_SHOWN_ORGANIZATIONS])}{more}" if ids else "none"
    return f"Reached {api}. Education organizations of the key: {organizations}."
