"""Runs tests in forks of a process that has imported them all: a pytest plugin, for the mutation run.

An import of Airflow takes longer than most tests. In a fork, a change of a function replaces the function's code;
a change of what runs at import needs a process of its own, and is told as such.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import select
import shutil
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper
from multiprocessing.connection import Connection
from tempfile import mkdtemp
from types import CodeType, FunctionType
from typing import NamedTuple

import pytest

PIPE = "EDFI_CTE_MUTANTS_PIPE"
"""The number of the file descriptor to talk by."""
AT_IMPORT = "at import"


class Asked(NamedTuple):
    """Tests, each with the seconds that it may take, for a module's source and what it becomes."""

    file: str
    source: bytes
    changed: bytes
    tests: list[tuple[str, float]]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Tell which tests there are; then run those that are asked for (:class:`Asked`), until ``None`` comes."""
    items = {item.nodeid: item for item in session.items}
    with (
        Connection(int(os.environ[PIPE])) as manager,
        _as_it_was(os.environ.get("AIRFLOW_HOME", mkdtemp())) as restore,
    ):
        manager.send(set(items))
        while (asked := manager.recv()) is not None:
            manager.send(_in_a_fork(asked, [(items[test], seconds) for test, seconds in asked.tests]))
            restore()
    return True


@contextlib.contextmanager
def _as_it_was(folder: str) -> Iterator[Callable[[], None]]:
    kept = mkdtemp()
    shutil.copytree(folder, kept, dirs_exist_ok=True)

    def restore() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept, folder)

    yield restore
    shutil.rmtree(kept)


def _in_a_fork(asked: Asked, tests: list[tuple[pytest.Item, float]]) -> str:
    """The test that fails first; empty if none does, ``AT_IMPORT`` if the change can't be made here."""
    reading, writing = os.pipe()
    if not (fork := os.fork()):
        os.setsid()
        with contextlib.suppress(BaseException):
            os.write(writing, _run(asked, tests, writing).encode())
        os._exit(0)
    os.close(writing)
    told, longest = b"", 60 + max(seconds for _, seconds in tests)
    # A test that no signal ends, as in a driver's loop, is not waited for longer than any other.
    while select.select([reading], [], [], longest)[0] and (part := os.read(reading, 65536)):
        told += part
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(fork, signal.SIGKILL)
    os.waitpid(fork, 0)
    *begun, last = told.decode().split("\n")
    # What ended, or hangs, in a test failed in it.
    return {"passed": "", "": begun[-1] if begun else "(ended, or hangs)"}.get(last, last)


def _run(asked: Asked, tests: list[tuple[pytest.Item, float]], told: int) -> str:
    if asked.source != asked.changed and not _change(asked):
        return AT_IMPORT
    failed: list[str] = []

    class Watch:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)

    watch = Watch()
    for (item, seconds), (following, _) in zip(tests, [*tests[1:], (None, 0)], strict=True):
        if not item.config.pluginmanager.is_registered(watch):
            item.config.pluginmanager.register(watch)
        os.write(told, f"{item.nodeid}\n".encode())
        item.add_marker(pytest.mark.timeout(seconds))
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        if failed:
            item.session._setupstate.teardown_exact(None)  # servers of a fixture would go on without their fork
            return failed[0]
    return "passed"


def _change(asked: Asked) -> bool:
    """Change a module's functions in place; whether that is all of the change."""
    functions: dict[tuple[str, int], list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == asked.file:
            functions[_place(one.__code__)].append(one)
        elif isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith("edfi_cte"):
            one.cache_clear()
    if not functions:
        return True  # Nothing of it is imported yet, and the file has the change.
    before, after = (compile(source, asked.file, "exec") for source in (asked.source, asked.changed))
    changed = list(_changed(before, after, outermost=True))
    if not changed or any(_place(old) not in functions for old, _, outermost in changed if outermost):
        return False
    for old, new, _ in changed:
        for function in functions[_place(old)]:
            function.__code__ = new
    return True


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _changed(before: CodeType, after: CodeType, *, outermost: bool) -> Iterator[tuple[CodeType, CodeType, bool]]:
    """Codes that differ, and whether each is a module's, a class's or an outermost function's.

    A function differs too if one within it does; a module or a class does not.
    """
    function = bool(before.co_flags & inspect.CO_OPTIMIZED)
    pairs = zip(before.co_consts, after.co_consts, strict=False)
    within = [pair for pair in pairs if isinstance(pair[0], CodeType) and isinstance(pair[1], CodeType)]
    found = [one for pair in within for one in _changed(*pair, outermost=outermost and not function)]
    if _own(before) != _own(after) or (function and found):
        yield before, after, outermost
    yield from found


def _own(code: CodeType) -> tuple[object, ...]:
    constants = [(type(one), repr(one)) for one in code.co_consts if not isinstance(one, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars
