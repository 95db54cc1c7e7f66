"""What a run is triggered with is understood, or refused before anything is read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from edfi_cte.operators.student_cte_program_associations import PARAMS, ConfiguredTargetsOperator
from edfi_cte.run_note import KEY

DEFAULTS = {name: param.value for name, param in PARAMS.items()}


def targets(monkeypatch: pytest.MonkeyPatch, run: Any, params: dict[str, Any]) -> Any:
    """The settings file is none, so that whoever reads it fails otherwise."""
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(Path("/nonexistent/edfi_cte.yaml")))
    task = ConfiguredTargetsOperator(task_id="configured_targets")
    return task.execute({"params": params, "dag_run": run})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"dryrun": True, "scopeyear": 2026}, "'dryrun', which is no param of this DAG. Did you mean 'dry_run'?"),
        ({"scopeyear": 2026}, "Did you mean 'scope_year'?"),
        ({"Dry-Run": True}, "Did you mean 'dry_run'?"),
        (
            {"anything": 1},
            "'anything', which is no param of this DAG. Nothing was read or sent. Its params are: scope",
        ),
    ],
)
def test_an_unknown_param_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, conf: dict[str, Any], said: str
) -> None:
    with pytest.raises(AirflowFailException) as refused:
        targets(monkeypatch, SimpleNamespace(conf=conf, run_type="manual"), DEFAULTS | conf)
    assert said in str(refused.value)


def test_a_refused_request_is_handed_on_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the run's note, which tells what failed first."""
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    context: Any = {"params": DEFAULTS | {"x": 1}, "dag_run": SimpleNamespace(run_type="manual"), "ti": ti}
    with pytest.raises(AirflowFailException) as refused:
        ConfiguredTargetsOperator(task_id="configured_targets").execute(context)
    assert pushed == {KEY: [[True, str(refused.value)]]}


def test_a_param_that_this_airflow_would_ignore_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``[core] dag_run_conf_overrides_params`` off, a dry run would be a live one."""
    with pytest.raises(AirflowFailException, match=r"Set .core. dag_run_conf_overrides_params to True"):
        targets(monkeypatch, SimpleNamespace(conf={"dry_run": True}, run_type="manual"), DEFAULTS)


def test_a_backfill_is_skipped_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AirflowSkipException, match=r"A backfill is skipped: .* Nothing was read or sent"):
        targets(monkeypatch, SimpleNamespace(conf={}, run_type="backfill"), DEFAULTS)


def test_airflow_refuses_a_backfill_where_it_can(
    run_dag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow 3.2 and later."""
    from airflow.dag_processing.dagbag import DagBag

    from tests.conftest import ROOT

    settings = tmp_path / "edfi_cte.yaml"
    settings.write_text("version: 1\ntargets: []\n")
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(settings))
    dag = DagBag(str(ROOT / "dags")).dags["student_cte_program_associations"]
    allowed = {str(kind.value) for kind in dag.allowed_run_types or ()}
    assert "backfill" not in allowed
    assert {"manual", "scheduled", "asset_triggered"} <= allowed
