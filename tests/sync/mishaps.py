"""Writes that go wrong: lost before or after the ODS has them, refused, unavailable, or the process dies.

They are raised around the client's verbs: a fault of the sandbox costs the client's waits between its tries, which
thousands of runs can't afford, and a process that really dies is :mod:`.crash`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from edfi_cte.ods import EdFiClient, EdFiConfig, EdFiError, errors
from tests.sync.world import RESOURCE

VERBS = ("upsert", "put", "delete")


class Died(Exception):
    """The process is gone: nothing catches it, and nothing more is written."""


@contextmanager
def mishaps(seed: int, share: float = 0.5) -> Iterator[None]:
    """About this share of the writes within the block go wrong, one way or another."""
    own = {verb: getattr(EdFiClient, verb) for verb in VERBS}
    random = Random(seed)  # noqa: S311 - no secret
    late: list[Callable[[], None]] = []
    for verb, request in own.items():
        setattr(EdFiClient, verb, _unsafe(request, random, share, late))
    try:
        yield
    finally:
        for arrive in late:
            arrive()
        for verb, request in own.items():
            setattr(EdFiClient, verb, request)


def _unsafe(
    request: Callable[..., Any], random: Random, share: float, late: list[Callable[[], None]]
) -> Callable[..., Any]:
    async def unsafe(client: EdFiClient, resource: str, *arguments: Any, **options: Any) -> Any:
        if resource != RESOURCE or random.random() >= share:
            return await request(client, resource, *arguments, **options)
        arrives, outcome = random.choice(OUTCOMES)
        if arrives == "late":
            late.append(lambda: asyncio.run(_arrive(request, client.config, resource, *arguments, **options)))
        elif arrives:
            await request(client, resource, *arguments, **options)
        raise outcome()

    return unsafe


async def _arrive(request: Callable[..., Any], config: EdFiConfig, *arguments: Any, **options: Any) -> None:
    """What has been on its way for long reaches the ODS after all that its run has sent since."""
    async with EdFiClient(config) as client:
        with suppress(EdFiError):
            await request(client, *arguments, **options)


def _broken() -> EdFiError:
    return errors.ConnectionLost("The answer is lost.", outcome_unknown=True)


def _timed_out() -> EdFiError:
    return errors.TimedOut("No answer in time.", outcome_unknown=True)


def _refused() -> EdFiError:
    return errors.Conflict("It is refused.", status=409)


def _refused_after_all() -> EdFiError:
    """The client has sent it twice: the first answer was lost, the second try refused."""
    return errors.Conflict("It is refused.", status=409, outcome_unknown=True)


def _server_fault() -> EdFiError:
    return errors.ServerFault("It failed.", status=500, outcome_unknown=True)


def _unavailable() -> EdFiError:
    return errors.Unavailable("The ODS is down.", status=503, outcome_unknown=True)


def _nonsense() -> EdFiError:
    return errors.MalformedAnswer("That is no answer.", status=200)


_ARRIVES_OR_NOT = (_broken, _timed_out, _server_fault, _unavailable, _nonsense, _refused_after_all, Died)

OUTCOMES: list[tuple[bool | str, Callable[[], Exception]]] = [
    (False, _refused),
    *((arrives, outcome) for arrives in (False, True, "late") for outcome in _ARRIVES_OR_NOT),
]
"""Whether the request arrives (or late: after all else of its run), and what its sender sees."""
