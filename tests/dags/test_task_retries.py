"""Which faults Airflow tries a task again for. Mocked: the step; each fault comes about for real in tests/sync."""

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from edfi_cte.campus import CampusUnreachable, IncompleteExtract
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import LedgerFault
from edfi_cte.ledger.leases import LeaseHeld
from edfi_cte.operators import student_cte_program_associations as operators
from edfi_cte.operators.outcome import Failed, FailedForNow
from edfi_cte.settings import SettingsError
from edfi_cte.sync.lane import StepFailed


def raised_for(error: EdfiCteError, monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """What the task raises where its step raises ``error``."""

    def run_step(*_: Any) -> None:
        raise error

    monkeypatch.setattr(operators, "run_step", run_step)
    monkeypatch.setattr(operators.SyncStepOperator, "lane", lambda *_: None)
    task = operators.SyncStepOperator(task_id="extract", step="extract", target_ids=["039141-2026"])
    with pytest.raises(AirflowException, match="what happened") as raised:
        task.execute({})
    return raised.type


@pytest.mark.parametrize(
    "error",
    [
        StepFailed("what happened", transient=True),
        LeaseHeld("what happened", other_run=True),
        LedgerFault("what happened"),
        CampusUnreachable("what happened"),
        IncompleteExtract("what happened"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_help_itself_is_tried_again(error: EdfiCteError, monkeypatch: pytest.MonkeyPatch):
    assert raised_for(error, monkeypatch) is FailedForNow


@pytest.mark.parametrize(
    "error", [StepFailed("what happened"), SettingsError("what happened")], ids=lambda error: type(error).__name__
)
def test_what_a_person_has_to_mend_is_not(error: EdfiCteError, monkeypatch: pytest.MonkeyPatch):
    assert raised_for(error, monkeypatch) is Failed
