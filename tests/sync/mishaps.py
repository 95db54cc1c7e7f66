"""Writes that go wrong: lost before or after the ODS has them, refused, unavailable, or the process dies.

They are raised around the client's verbs: a fault of the sandbox costs the client's waits between its tries, which
thousands of runs can't afford, and a process that really dies is :mod:`.crash`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from edfi_cte.ods import EdFiClient, EdFiError, errors
from tests.sync.world import RESOURCE

VERBS = ("upsert", "put", "delete")


class Died(Exception):
    """The process is gone: nothing catches it, and nothing more is written."""


@contextmanager
def mishaps(seed: int, share: float = 0.5) -> Iterator[None]:
    """About this share of the writes within the block go wrong, one way or another."""
    own = {verb: getattr(EdFiClient, verb) for verb in VERBS}
    random = Random(seed)  # noqa: S311 - no secret
    for verb, request in own.items():
        setattr(EdFiClient, verb, _unsafe(request, random, share))
    try:
        yield
    finally:
        for verb, request in own.items():
            setattr(EdFiClient, verb, request)


def _unsafe(request: Callable[..., Any], random: Random, share: float) -> Callable[..., Any]:
    async def unsafe(client: EdFiClient, resource: str, *arguments: Any, **options: Any) -> Any:
        if resource != RESOURCE or random.random() >= share:
            return await request(client, resource, *arguments, **options)
        arrives, outcome = random.choice(_OUTCOMES)
        if arrives:
            await request(client, resource, *arguments, **options)
        raise outcome()

    return unsafe


def _lost() -> EdFiError:
    return errors.ConnectionLost("The answer is lost.", outcome_unknown=True)


def _refused() -> EdFiError:
    return errors.Conflict("It is refused.", status=409)


def _unavailable() -> EdFiError:
    return errors.Unavailable("The ODS is down.", status=503)


_OUTCOMES: list[tuple[bool, Callable[[], Exception]]] = [
    (False, _lost),
    (True, _lost),
    (True, _lost),
    (False, _refused),
    (False, _unavailable),
    (False, Died),
    (True, Died),
]
"""Whether the request arrives, and what its sender sees."""
