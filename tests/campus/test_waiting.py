"""A driver's calls on a thread of their own: what comes back, what does not in time, and what is left of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

from edfi_cte.campus.waiting import DriverThread, WaitedTooLong


def drivers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "campus-driver"]


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within two seconds."""
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def failing(error: BaseException) -> NoReturn:
    raise error


def test_a_call_comes_back_from_another_thread_with_what_it_gives_or_raises():
    with DriverThread(5) as thread:
        assert thread.call(threading.current_thread) is not threading.current_thread()
        for error in (ValueError("of the driver"), KeyboardInterrupt()):
            with pytest.raises(type(error)) as caught:
                thread.call(lambda error=error: failing(error))  # type: ignore[misc]
            assert caught.value is error
        assert thread.call(lambda: 1) == 1


def test_a_timeout_of_the_drivers_own_is_none_of_ours():
    own = TimeoutError("of the driver")
    with DriverThread(5) as thread, pytest.raises(TimeoutError) as caught:
        thread.call(lambda: failing(own))
    assert caught.value is own


def test_the_thread_ends_with_its_context_and_keeps_no_process_from_its_end():
    before = drivers()
    with DriverThread(5) as thread:
        [made] = [one for one in drivers() if one not in before]
        assert made.daemon
    assert soon(lambda: not made.is_alive())
    with pytest.raises(RuntimeError, match="has ended"):
        thread.call(lambda: 1)


def test_what_is_closed_is_closed_before_the_thread_goes_on():
    closed: list[int] = []
    with DriverThread(5) as thread:
        thread.close(lambda: closed.append(1))
        assert closed == [1]
        thread.call(lambda: None)
        thread.close(lambda: closed.append(2))
        assert closed == [1, 2]


def test_what_is_closed_after_a_call_that_was_given_up_is_closed_when_that_comes_back():
    """The driver is still in it: to close beside it would be to use one connection from two threads."""
    closed: list[int] = []
    back = threading.Event()
    with DriverThread(0.05) as thread:
        with pytest.raises(WaitedTooLong):
            thread.call(back.wait)
        thread.close(lambda: closed.append(1))
        assert closed == []
    back.set()
    assert soon(lambda: closed == [1])
