"""Many requests of one kind, side by side, with an account of what became of each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from .errors import EdFiError

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

_EXAMPLES = 5


class BulkResult(Generic[R]):
    """``done`` counts results, ``failed`` counts errors by type; ``examples`` has the first places of each type.

    A place is the item's number in the input, from 1.
    """

    def __init__(self) -> None:
        self.done: Counter[R] = Counter()
        self.failed: Counter[str] = Counter()
        self.examples: dict[str, list[int]] = {}

    def fail(self, place: int, error: EdFiError) -> None:
        """Counts the failure; of the first ones of each type, the log has what the API said."""
        self.failed[error.type] += 1
        places = self.examples.setdefault(error.type, [])
        if len(places) < _EXAMPLES:
            places.append(place)
            log.warning("Item %d: %s", place, error)

    def __str__(self) -> str:
        """Of the failures only: ``2 unresolved_reference (items 3, 8)``."""
        return "; ".join(
            f"{count} {kind} (items {', '.join(map(str, self.examples[kind]))}{', …' if count > _EXAMPLES else ''})"
            for kind, count in self.failed.most_common()
        )


async def for_each(items: Iterable[T], work: Callable[[T], Awaitable[R]], *, workers: int) -> BulkResult[R]:
    """``work`` done on each of ``items``, which are taken as they are needed.

    An error of one item is counted and the rest goes on; a systemic one, which all would meet, ends it and is raised.
    """
    result: BulkResult[R] = BulkResult()
    numbered = enumerate(items, start=1)

    async def worker() -> None:
        for place, item in numbered:
            try:
                result.done[await work(item)] += 1
            except EdFiError as error:
                if error.systemic:
                    raise
                result.fail(place, error)

    tasks = [asyncio.create_task(worker()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result
