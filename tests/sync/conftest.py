"""One sandbox ODS a scope year for all tests here; each test begins with none of our associations in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edfi_cte.ods.message import Answer, Request
from edfi_cte.ods.transport import Transport
from sandbox.ods import serve
from tests.sync.campus import YEARS
from tests.sync.ods_seed import seed
from tests.sync.world import World

pytest.register_assert_rewrite("tests.sync.oracles", "tests.sync.sides")


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[dict[int, Any]]:
    """The running servers by scope year."""
    last, this = YEARS
    with serve(seed=seed(), api="7.3") as first, serve(seed=seed(), api="7.3") as second:
        yield {last: first, this: second}


@pytest.fixture
def world(sandboxes: dict[int, Any], tmp_path: Path) -> World:
    """A fresh world."""
    for ods in sandboxes.values():
        ods.control.reset()
    return World(sandboxes, tmp_path)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Request, Answer], Answer]], None]:
    """``between(tamper)`` puts something between the client and the ODS, which changes answers on their way."""
    send = Transport.send

    def put(tamper: Callable[[Request, Answer], Answer]) -> None:
        async def sent(self: Transport, request: Request, *rest: Any) -> Answer:
            return tamper(request, await send(self, request, *rest))

        monkeypatch.setattr(Transport, "send", sent)

    return put
