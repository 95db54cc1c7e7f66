"""What networks do, on both event loops: asyncio's own, and uvloop, which runs where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.ods.fake_api import FakeApi

ON_BOTH = ("test_faults", "test_refusals_that_pass", "test_pace", "test_transport")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("event_loop_kind", ["asyncio", "uvloop"], indirect=True, scope="function")


@pytest.fixture(autouse=True)
def event_loop_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every loop that ``asyncio.run`` makes meanwhile is of this kind, the stage's own included."""
    if getattr(request, "param", "asyncio") == "asyncio":
        yield
        return
    uvloop = pytest.importorskip("uvloop")
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(before)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        yield api
