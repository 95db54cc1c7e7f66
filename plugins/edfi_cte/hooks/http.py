"""What lets the http provider's own HttpOperator work on an ``edfi`` connection.

HttpOperator asks the connection for its hook and calls ``run`` on it, so a connection of type ``edfi`` brings this
one. It is no HttpHook: see docs/decisions/0020-hook-is-no-httphook.md.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from edfi_cte.ods import BadParameter, EdFiClient, Refused

if TYPE_CHECKING:
    from requests import Response

    from edfi_cte.ods.message import Answer

_OPTIONS = frozenset(
    {"auth_type", "tcp_keep_alive", "tcp_keep_alive_idle", "tcp_keep_alive_count", "tcp_keep_alive_interval"}
)
_EXTRA_OPTIONS = frozenset({"check_response", "timeout"})
_BODILESS = ("GET", "HEAD", "OPTIONS")


class HttpOperatorSupport:
    """The part of HttpHook's interface that HttpOperator uses, over the Ed-Fi client: its token, retries, limits."""

    method: str

    def call(self, work: Callable[[EdFiClient], Coroutine[Any, Any, Answer]]) -> Answer:
        raise NotImplementedError

    def run(
        self,
        endpoint: str | None = None,
        data: Mapping[str, Any] | str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        extra_options: Mapping[str, Any] | None = None,
        *,
        json: Any = None,
    ) -> Response:
        """One request with this hook's ``method``.

        :param endpoint: below the data's address: ``ed-fi/students?limit=5``
        :param data: a GET's parameters; else the document, as an object or as its JSON text
        :param json: the document, as HttpOperator's ``request_kwargs`` may give it
        :param extra_options: ``check_response`` (False returns a refusal instead of raising it) and ``timeout``
            (seconds, or a pair to connect and to read)
        """
        options = _known_options(extra_options or {})
        reads = self.method in _BODILESS
        if reads and data and not isinstance(data, Mapping | str):
            # Left out, they would be filters forgotten: the answer would be of everything.
            raise BadParameter(f"The data of a {self.method} are its parameters.", advice="Give an object or a text.")
        parameters = data if reads and isinstance(data, Mapping) else None
        path = endpoint or ""
        if reads and isinstance(data, str) and data:
            path = f"{path}{'&' if '?' in path else '?'}{data}"
        body = None if reads else _body(data if json is None else json)
        timeout = _timeout(options.get("timeout"))
        check = bool(options.get("check_response", True))

        async def send(client: EdFiClient) -> Answer:
            return await client.send(
                self.method,
                path,
                parameters=parameters,
                body=body,
                headers=headers or None,
                timeout=timeout,
                check=check,
            )

        return _response(self.call(send))

    def run_with_advanced_retry(self, _retry_args: dict[str, Any], *args: Any, **kwargs: Any) -> Response:
        """``run``, tried again as tenacity's arguments say, on top of the client's own tries."""
        import tenacity

        response: Response = tenacity.Retrying(**_retry_args)(self.run, *args, **kwargs)
        return response

    def check_response(self, response: Response) -> None:
        """Raises Refused for a status that is no success. ``run`` has done so, unless told not to."""
        if response.status_code >= 400:
            raise Refused(f"{self.method} was refused.", status=response.status_code)

    def _refuse_unknown(self, options: Mapping[str, Any]) -> None:
        if unknown := sorted(set(options) - _OPTIONS):
            raise TypeError(f"EdFiHook takes no option {', '.join(unknown)}.")
        if options.get("auth_type") is not None:
            raise TypeError("EdFiHook takes no auth_type: the connection's key and secret get the token.")


def _known_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    if unknown := sorted(set(options) - _EXTRA_OPTIONS):
        raise BadParameter(
            f"extra_options has {', '.join(unknown)}, which an edfi connection does not take.",
            advice="Set TLS and limits in the connection; here, only check_response and timeout.",
        )
    return options


def _body(data: Any) -> bytes | None:
    if isinstance(data, bytes):
        return data or None
    if isinstance(data, str):
        return data.encode() or None
    return json.dumps(data).encode() if data else None


def _timeout(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    connect, read = value if isinstance(value, tuple | list) else (value, value)
    return float(connect), float(read)


def _response(answer: Answer) -> Response:
    """The answer as HttpOperator and the functions given to it expect it."""
    from requests import Response
    from requests.structures import CaseInsensitiveDict

    response = Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = "utf-8"
    response.raw = io.BytesIO(answer.body)
    return response
