"""One try of one request over one shared session: deadlines, bounded answers, no credentials to strangers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from . import errors, tls
from .config import NO_PROXY, EdFiConfig, is_loopback
from .errors import EdFiError
from .message import Answer, Request

_HEADER_BYTES = 64 * 1024
_REDIRECTS = 3
_REDIRECT_ANY_METHOD = (307, 308)
_REDIRECT_READS = (301, 302)
_HOST = re.compile(r"[\w.:-]{1,253}")
"""What a message may say of where a server points to."""


class Transport:
    """Raises NoAnswer or UnusableAnswer; a refusal is an Answer like any other."""

    def __init__(self, config: EdFiConfig) -> None:
        self._max_bytes = config.max_answer_bytes
        self._read_timeout = aiohttp.ClientTimeout(
            total=config.total_timeout, connect=config.connect_timeout, sock_read=config.read_timeout
        )
        # A write's answer is small and comes at once or not at all: one timer a request instead of three.
        self._write_timeout = aiohttp.ClientTimeout(
            total=min(config.total_timeout, config.connect_timeout + config.read_timeout),
            sock_connect=config.connect_timeout,
        )
        # The limiter bounds what is in flight, so the pool has no bound of its own and "connect" waits for no turn.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls.ssl_context(config)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": "edfi-cte"},
            proxy=_proxy(config),
            # Gateways that pass on tokens and cookies of their own send long ones; aiohttp takes 8 KiB.
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )

        # Left to itself, aiohttp repeats a GET, PUT or DELETE once where a kept-alive connection broke. Then a DELETE
        # would find its item gone, or a conditional PUT its etag changed, and not know that it was its own doing.
        self._session._retry_connection = False

    async def close(self) -> None:
        await self._session.close()

    async def send(self, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
        """``headers`` come on top of the session's own and take the place of ``request.headers``."""
        url = request.url
        failure: EdFiError | None = None
        if request.timeout is not None:
            timeout = _timeout(*request.timeout)
        else:
            timeout = self._write_timeout if request.is_write else self._read_timeout
        for _ in range(_REDIRECTS):
            try:
                response = await self._session.request(
                    request.method,
                    url,
                    data=request.body,
                    headers=headers if headers is not None else request.headers,
                    allow_redirects=False,
                    timeout=timeout,
                )
                try:
                    # Read no further than the bound, which holds for what is unpacked, too.
                    small = response.content_length is not None and response.content_length <= self._max_bytes
                    if small and "Content-Encoding" not in response.headers:
                        body = await response.read()
                    else:
                        body = await self._bounded(response, request)
                except BaseException:
                    response.close()
                    raise
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                failure = _failure(error, request)
            if failure is not None:
                # Raised out here: the library's own errors quote addresses, and a query may hold a student's id.
                raise failure
            answer = Answer(response.status, response.headers, body)
            if not 300 <= answer.status < 400 or "Location" not in answer.headers:
                return answer
            url = _redirected(request, url, answer)
        raise errors.RedirectRefused(f"{request.name} was redirected more than {_REDIRECTS} times.")

    async def _bounded(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_bytes:
                raise errors.AnswerTooLarge(
                    f"{request.name} was answered with more than {self._max_bytes} bytes.", status=response.status
                )
        response.release()
        return b"".join(chunks)


def _timeout(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=connect + read, connect=connect, sock_read=read)


def _redirected(request: Request, url: URL, answer: Answer) -> URL:
    """Where an answer points to, if the credentials may go there: to the same origin, or its https twin."""
    try:
        target = url.join(URL(answer.headers["Location"]))
        host = target.host or ""
    except ValueError:
        target, host = URL(), ""
    there, here = (target.scheme, host, target.port), (url.scheme, url.host, url.port)
    same = there == here or (host == url.host and (url.scheme, target.scheme) == ("http", "https"))
    follows = answer.status in _REDIRECT_ANY_METHOD or (answer.status in _REDIRECT_READS and not request.is_write)
    if same and follows:
        return target
    named = host if _HOST.fullmatch(host) else "no address"
    raise errors.RedirectRefused(
        f"{request.name} was redirected to {named}; credentials and data are not sent on.",
        status=answer.status,
    )


def _failure(error: Exception, request: Request) -> EdFiError:
    """The library's error as ours. Says nothing of the address but its host."""
    host = f"{request.url.host}:{request.url.port}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch):
        return tls.not_accepted(getattr(error, "certificate_error", None), request.name, host)
    if refused := tls.client_refused(error, request.name, host):
        return refused
    if isinstance(error, aiohttp.ClientSSLError):
        return errors.TlsFailed(
            f"{request.name}: {host} speaks no TLS that this machine takes ({error.strerror}).",
            advice="Check the connection's host: its port, and whether it is https at all.",
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return errors.Unreachable(f"{request.name}: the proxy refuses to connect to {host} ({error.status}).")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return errors.Unreachable(f"{request.name}: the host name {error.host} is not known.")
    if isinstance(error, aiohttp.ClientConnectorError):
        target = f"{error.host}:{error.port}"  # the proxy, where there is one
        return errors.Unreachable(f"{request.name}: {target} cannot be reached ({error.strerror or 'refused'}).")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return errors.TimedOut(f"{request.name}: no connection to {host} within the connect_timeout.")
    if isinstance(error, TimeoutError):
        return errors.TimedOut(f"{request.name}: {host} did not answer in time.", outcome_unknown=request.is_write)
    return errors.ConnectionLost(
        f"{request.name}: the connection to {host} broke ({type(error).__name__}).",
        outcome_unknown=request.is_write,
    )


def _proxy(config: EdFiConfig) -> str | None:
    if config.proxy is None:
        return _environment_proxy(config.base_url)
    return None if config.proxy == NO_PROXY else config.proxy


def _environment_proxy(base_url: str) -> str | None:
    """The proxy that the environment names for the API, looked up once; none for this machine itself.

    Many environments name it without a scheme, which means http.
    """
    url = URL(base_url)
    if is_loopback(url.host) or (url.host and proxy_bypass(url.host)):
        return None
    proxy = getproxies().get(url.scheme)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
