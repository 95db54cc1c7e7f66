"""Sandboxes of every dialect, or the real ODS that EDFI_TEST_BASE_URL names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from sandbox.ods import RunningOds, serve

pytest.register_assert_rewrite("tests.sandbox.answers", "tests.sandbox.cases", "tests.sandbox.target")

from tests.sandbox.answers import ALL  # noqa: E402
from tests.sandbox.target import ASSOCIATIONS, REAL_URL, WORLD, Target, dialect_of  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs_seeding: needs to look into the ODS or to change it from outside; skipped on a real one"
    )
    config.addinivalue_line("markers", "dialects(*names): the API generations that a test is about (default: all)")
    config.addinivalue_line(
        "markers", "proven(where): suite and request, or source, in which the real API's behaviour is proven"
    )
    config.addinivalue_line("markers", "cases(rows): runs the test for each row and each dialect that it names")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `target` runs once a dialect: those it names with `dialects`, or all.

    One with `cases` runs once for each row and dialect in the row's answers.
    """
    if "target" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("dialects")
    names = list(marker.args if marker else ALL)
    cases = metafunc.definition.get_closest_marker("cases")
    if cases is None:
        metafunc.parametrize("target", ["real"] if REAL_URL else names, indirect=True)
        return
    pairs = [
        pytest.param(name, case, id=f"{name}-{case.name}")
        for case in cases.args[0]
        for name in (["real"] if REAL_URL else [name for name in names if name in case.answers])
    ]
    metafunc.parametrize(("target", "case"), pairs, indirect=["target"])


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[dict[str, RunningOds]]:
    """Sandboxes by dialect, started when first asked for."""
    with ExitStack() as stack:

        class Sandboxes(dict[str, RunningOds]):
            def __missing__(self, dialect: str) -> RunningOds:
                self[dialect] = stack.enter_context(serve(api=dialect))
                return self[dialect]

        yield Sandboxes()


@pytest.fixture(scope="session")
def targets() -> dict[str, Target]:
    return {}


@pytest.fixture
def target(
    request: pytest.FixtureRequest, sandboxes: dict[str, RunningOds], targets: dict[str, Target]
) -> Iterator[Target]:
    """The API of one dialect, as it was seeded."""
    name = request.param
    if name not in targets:
        targets[name] = _real() if name == "real" else _sandbox(sandboxes[name], name)
    target = targets[name]
    marker = request.node.get_closest_marker("dialects")
    if marker and target.dialect not in marker.args:
        pytest.skip(f"not a case of {target.dialect}")
    case = getattr(request.node, "callspec", None) and request.node.callspec.params.get("case")
    if case is not None and target.dialect not in case.answers:
        pytest.skip(f"no row for {target.dialect}")
    if target.control is None:
        if request.node.get_closest_marker("needs_seeding"):
            pytest.skip("needs a sandbox")
        yield target
        _tidy(target)
        return
    target.control.reset()
    target.forget_tokens()
    yield target


def _sandbox(ods: RunningOds, dialect: str) -> Target:
    return Target(ods.base_url, ods.key, ods.secret, dialect, ods.control)


def _real() -> Target:
    key, secret = os.environ["EDFI_TEST_KEY"], os.environ["EDFI_TEST_SECRET"]
    root = httpx.get(REAL_URL, timeout=30).json()
    return Target(REAL_URL, key, secret, dialect_of(root), None)


def _tidy(target: Target) -> None:
    """Takes away what a case left of the two students' associations in the test's own year."""
    for student in (WORLD.student, WORLD.other_student):
        for document in target.get(ASSOCIATIONS, studentUniqueId=student).json():
            if document["beginDate"].startswith("2019-"):
                target.call("DELETE", f"{ASSOCIATIONS}/{document['id']}")
