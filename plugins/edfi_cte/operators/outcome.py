"""How a task ends: an expected failure as a few readable lines, and no stack; the rest as Airflow has it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import faults_explained
from edfi_cte.lines import say
from edfi_cte.sync.lane import StepSkipped

log = logging.getLogger(__name__)
T = TypeVar("T")


class Failed(AirflowFailException):
    """What a person has to mend; it is not tried again. Its text was logged, so its stack is left out."""


class FailedForNow(AirflowException):
    """What may pass by itself; it is tried again. Its text was logged, so its stack is left out."""


def explained(work: Callable[[], T]) -> T:
    """Do the work; what its user can mend ends as a few lines, tried again only where that may help.

    The typed error and its stack are logged at DEBUG.
    """
    try:
        with faults_explained():
            return work()
    except StepSkipped as skipped:
        say(log, logging.INFO, str(skipped))  # Airflow's own line of it runs out of the window.
        raise AirflowSkipException(str(skipped)) from None
    except EdfiCteError as error:
        log.debug("the error as it was raised", exc_info=True)
        kind: type[Failed | FailedForNow] = FailedForNow if error.transient else Failed
        raise told(kind(str(error))) from None


def told(failure: Failed | FailedForNow) -> Failed | FailedForNow:
    """The failure, once its text is in the log."""
    say(log, logging.ERROR, str(failure))
    _leave_out_stacks()
    return failure


def _leave_out_stacks() -> None:
    """Has Airflow's "Task failed with exception" come without the stack of a failure that was told.

    The list of processors is the one that Airflow's loggers of this process use.
    """
    processors = structlog.get_config()["processors"]
    if _without_stack not in processors:
        processors.insert(0, _without_stack)


def _without_stack(_: Any, __: str, event: Any) -> Any:
    if isinstance(event, dict) and (info := event.get("exc_info")):
        error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
        if isinstance(error, Failed | FailedForNow):
            del event["exc_info"]
            event["event"] = "The task failed: the lines above say why and what to do."
    return event
