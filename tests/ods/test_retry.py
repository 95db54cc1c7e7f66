"""Which errors are tried again, when, and what the last one says of them all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from multidict import CIMultiDict
from yarl import URL

from edfi_cte.ods import errors as e
from edfi_cte.ods.circuit import Circuit
from edfi_cte.ods.message import Answer, Request
from edfi_cte.ods.retry import Retrier
from tests.ods.fake_api import StillClock
from tests.ods.test_systemic import SYSTEMIC

REQUEST = Request("POST", URL("https://h/"), "POST things")
ANSWER = Answer(201, CIMultiDict(), b"")
MAY_PASS = {
    e.Unreachable,
    e.ConnectionLost,
    e.TimedOut,
    e.MalformedAnswer,
    e.NotTheApi,
    e.RateLimited,
    e.ServerFault,
    e.Unavailable,
    e.ConcurrentUpdate,
}


class Stage:
    """A retrier whose tries come to the given outcomes, one after another; the last one for ever."""

    def __init__(self, tries: int = 3, patience: float = 60) -> None:
        self.clock = StillClock()
        self.circuit = Circuit(self.clock)
        self.retrier = Retrier(self.clock, self.circuit, tries=tries, max_retry_after=patience)
        self.made = 0

    def run(self, *outcomes: e.EdFiError | None, failed: e.EdFiError | None = None) -> e.EdFiError | None:
        """The error, or None for an answer."""
        self.made = 0
        left = list(outcomes)

        async def attempt(request: Request) -> Answer:
            assert request is REQUEST
            self.made += 1
            outcome = left.pop(0) if len(left) > 1 else left[0]
            if outcome is not None:
                raise outcome
            return ANSWER

        try:
            assert asyncio.run(self.retrier.run(REQUEST, attempt, failed=failed)) is ANSWER
        except e.EdFiError as error:
            return error
        return None

    def is_open(self) -> bool:
        try:
            self.circuit.admit()
        except e.CircuitOpen:
            return True
        return False


@pytest.mark.parametrize("kind", SYSTEMIC, ids=lambda kind: kind.__name__)
def test_for_each_class_of_error_it_is_decided_whether_it_may_pass(kind: type[e.EdFiError]) -> None:
    stage = Stage()
    error = stage.run(kind("x"))
    assert error is not None
    assert (stage.made, error.tries) == ((3, 3) if kind in MAY_PASS else (1, 1))
    assert error.outcome_unknown is False


def test_waits_double_up_to_half_a_minute() -> None:
    stage = Stage(tries=9)
    stage.run(e.Unreachable("x"))
    assert stage.clock.waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_first_try_of_the_callers_own_counts() -> None:
    stage = Stage(tries=3)
    assert stage.run(None, failed=e.TimedOut("x")) is None
    assert (stage.made, stage.clock.waits) == (1, [1])
    error = stage.run(e.TimedOut("y"), failed=e.TimedOut("x"))
    assert error is not None
    assert (stage.made, error.tries) == (2, 3)


@pytest.mark.parametrize(("asked", "waits"), [(0, [1]), (7, [8]), (60, [61]), (61, [])])
def test_what_the_api_asks_for_is_waited_for_unless_it_is_beyond_patience(asked: float, waits: list[float]) -> None:
    stage = Stage(patience=60)
    error = stage.run(e.RateLimited("x", retry_after=asked), None)
    assert (stage.clock.waits, error is None) == (waits, bool(waits))
    assert stage.is_open() is (not waits)
    stage.clock.ahead += 59
    assert stage.is_open() is (not waits)
    stage.clock.ahead += 3
    assert not stage.is_open()


def test_waits_within_patience_that_are_used_up_leave_the_circuit_closed() -> None:
    stage = Stage(tries=2, patience=60)
    stage.run(e.RateLimited("x", retry_after=60))
    assert stage.made == 2
    assert not stage.is_open()


def test_a_wait_may_be_as_short_as_none() -> None:
    stage = Stage(tries=3)
    stage.clock.uniform = lambda low, high: low  # type: ignore[method-assign] # noqa: ARG005
    stage.run(e.Unreachable("x"))
    assert stage.clock.waits == [0, 0]


def test_what_can_not_pass_asks_in_vain_to_be_left_alone() -> None:
    stage = Stage()
    stage.run(e.Conflict("x", retry_after=1000))
    assert not stage.is_open()


@pytest.mark.parametrize("outcomes", [(False, True, False), (True, False, False), (False, False, True)])
def test_the_last_error_says_whether_any_try_may_have_been_carried_out(outcomes: Sequence[bool]) -> None:
    error = Stage().run(*(e.TimedOut("x", outcome_unknown=lost) for lost in outcomes))
    assert error is not None
    assert error.outcome_unknown


def test_a_key_that_is_taken_may_be_a_lost_trys_own_doing() -> None:
    """That try may still be at work: once it is done, a POST replaces what it made."""
    stage = Stage()
    assert stage.run(e.TimedOut("x", outcome_unknown=True), e.NaturalKeyConflict("x"), None) is None
    assert stage.made == 3
    error = stage.run(e.TimedOut("x"), e.NaturalKeyConflict("x"), None)
    assert isinstance(error, e.NaturalKeyConflict)
    assert stage.made == 2


def test_an_error_that_was_tried_elsewhere_is_not_tried_again() -> None:
    stage = Stage()
    for _ in range(10):
        inner = e.Unavailable("x")
        inner.tries = 6
        error = stage.run(inner)
        assert error is inner
        assert (stage.made, error.tries) == (1, 6)
    assert not stage.is_open()


@pytest.mark.parametrize("kind", [e.Unreachable, e.ConnectionLost, e.TimedOut, e.ServerFault, e.Unavailable])
def test_five_requests_given_up_open_the_circuit_unless_one_is_answered_between(kind: type[e.EdFiError]) -> None:
    stage = Stage(tries=2)
    for between in (None, e.Conflict("x")):
        for _ in range(4):
            stage.run(kind("x"))
        stage.run(between)
    for number in range(5):
        assert not stage.is_open(), number
        stage.run(kind("x"))
    assert stage.is_open()
    error = stage.run(None)
    assert isinstance(error, e.CircuitOpen)
    assert (stage.made, error.tries) == (0, 1)


@pytest.mark.parametrize("kind", [e.MalformedAnswer, e.RateLimited, e.Halted])
def test_other_errors_say_nothing_of_an_api_that_is_down(kind: type[e.EdFiError]) -> None:
    stage = Stage()
    for _ in range(10):
        stage.run(kind("x"))
    assert not stage.is_open()
