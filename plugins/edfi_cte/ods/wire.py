"""What every request needs, tied together: how to send it, when to send it again, what time it is."""

from __future__ import annotations

from typing import NamedTuple

from .capabilities import ErrorFormat
from .clock import Clock
from .errors import Refused
from .message import Answer, Request
from .problems import problem_of
from .retry import Retrier, retry_after
from .transport import Transport


class Wire(NamedTuple):
    transport: Transport
    retrier: Retrier
    clock: Clock

    async def ask(self, request: Request, secrets: frozenset[str] = frozenset()) -> Answer:
        """One try of a request that needs no token, to an API whose version is not known yet."""
        answer = await self.transport.send(request)
        if answer.ok:
            return answer
        raise self.problem(answer, request, ErrorFormat.EITHER, secrets)

    def problem(
        self, answer: Answer, request: Request, error_format: ErrorFormat, secrets: frozenset[str]
    ) -> Refused:
        """The error that an answer means; its message holds nothing of the request, nor ``secrets``."""
        wait = retry_after(answer.headers, self.clock)
        return problem_of(answer, request, error_format, retry_after=wait, secrets=secrets)
