"""Many items at once: the failures of single ones are counted, and one that all would meet ends it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from edfi_cte.ods import errors
from edfi_cte.ods.bulk import for_each

KINDS: dict[str, type[errors.EdFiError]] = {"r": errors.UnresolvedReference, "v": errors.ValidationFailed}


async def work(item: str) -> str:
    await asyncio.sleep(0)
    if item in KINDS:
        raise KINDS[item](f"It is {item}.")
    return item


def test_results_and_failures_are_counted_and_the_first_five_of_a_kind_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    items = ["new", "r", "old", "new", *"rrrrr", "v"]
    with caplog.at_level(logging.WARNING):
        result = asyncio.run(for_each(items, work, workers=3))
    reference, invalid = errors.UnresolvedReference.type, errors.ValidationFailed.type
    assert result.done == {"new": 2, "old": 1}
    assert result.failed == {reference: 6, invalid: 1}
    assert result.examples == {reference: [2, 5, 6, 7, 8], invalid: [10]}
    assert str(result) == f"6 {reference} (items 2, 5, 6, 7, 8, …); 1 {invalid} (items 10)"
    assert len(caplog.records) == 6
    assert "Item 2: It is r." in caplog.text


def test_five_of_a_kind_are_all_named() -> None:
    result = asyncio.run(for_each("rrrrr", work, workers=1))
    assert str(result) == f"5 {errors.UnresolvedReference.type} (items 1, 2, 3, 4, 5)"


def test_where_nothing_failed_nothing_is_said() -> None:
    assert str(asyncio.run(for_each(["new"], work, workers=2))) == ""


def test_a_failure_that_all_would_meet_ends_it_and_leaves_no_worker_behind() -> None:
    begun: list[int] = []

    async def down(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise errors.Unavailable("Down.")
        await asyncio.sleep(10)

    async def run() -> int:
        with pytest.raises(errors.Unavailable):
            await asyncio.wait_for(for_each(range(100), down, workers=4), 5)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
    assert begun == [0, 1, 2, 3]
