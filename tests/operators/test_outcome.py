"""An expected failure in a task's log: a few short lines, and no stack."""

import logging
from typing import Any

import pytest
import structlog
from airflow.providers.common.compat.sdk import AirflowSkipException

from edfi_cte.errors import EdfiCteError
from edfi_cte.lines import WIDTH, in_lines
from edfi_cte.operators.outcome import Failed, explained
from edfi_cte.sync.lane import StepSkipped

LONG = (
    "039141-2026: connection 'edfi_2026': POST ed-fi/studentCTEProgramAssociations was answered with 503 six times "
    "over four minutes and eleven seconds, by the gateway. Nothing was deleted. Ask whoever runs the ODS."
)


def failing() -> Any:
    raise EdfiCteError(LONG)


def test_each_sentence_is_on_lines_of_its_own_that_the_log_shows_whole() -> None:
    lines = list(in_lines(LONG))
    assert max(map(len, lines)) <= WIDTH
    assert lines[-2:] == ["Nothing was deleted.", "Ask whoever runs the ODS."]
    assert " ".join(line.strip() for line in lines) == LONG


def test_the_lines_are_logged_and_the_typed_error_is_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Failed) as failed:
        explained(failing)
    assert str(failed.value) == LONG
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == list(in_lines(LONG))
    assert not any(record.exc_info for record in errors)
    [debug] = [record for record in caplog.records if record.levelno == logging.DEBUG and record.exc_info]
    assert debug.exc_info is not None
    assert debug.exc_info[0] is EdfiCteError


def test_why_a_task_is_skipped_is_logged_in_such_lines_too(caplog: pytest.LogCaptureFixture) -> None:
    def skipping() -> Any:
        raise StepSkipped(LONG)

    with caplog.at_level(logging.INFO), pytest.raises(AirflowSkipException):
        explained(skipping)
    assert caplog.messages == list(in_lines(LONG))


@pytest.mark.parametrize(("work", "stacks"), [(failing, 0), (lambda: 1 / 0, 1)], ids=["expected", "unexpected"])
def test_airflows_own_line_of_a_failure_has_a_stack_only_for_what_was_not_expected(work: Any, stacks: int) -> None:
    written: list[dict[str, Any]] = []

    def keep(_: Any, __: str, event: dict[str, Any]) -> Any:
        written.append(dict(event))
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[keep])
    try:
        log = structlog.get_logger(logger_name="task")
        try:
            explained(work)
        except Exception:
            # As Airflow's task runner does.
            log.exception("Task failed with exception")
    finally:
        structlog.configure(processors=before)
    assert len([event for event in written if "exc_info" in event]) == stacks
