"""Who is told of a failed run, and of records that wait: by Airflow's notifiers, from the settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tests.operators.notifiers  # noqa: F401 - Airflow, at its first import, takes pytest's handlers from the log
from edfi_cte.operators.notify import notifiers, tell
from edfi_cte.settings import Notification, SettingsError
from sandbox.ods import serve
from tests.deployment import Deployment, target
from tests.sync.ods_seed import seed

HERE = "tests.operators.notifiers"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    path.touch()
    monkeypatch.setenv("NOTIFIED", str(path))
    return path


@pytest.mark.slow
def test_a_failed_lane_is_told_of_once_by_airflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., Any], told: Path
) -> None:
    text = "{{ ti.task_id }}: {{ exception }}"
    with serve(seed=seed(), api="7.3") as ods:
        deployment = Deployment(tmp_path, ods, monkeypatch)
        deployment.settings["targets"] = [target(2026, campus_conn_id="nowhere")]
        deployment.settings["dag"]["on_failure"] = [{"notifier": f"{HERE}.ToFile", "arguments": {"text": text}}]
        deployment.deploy()
        run_dag("student_cte_program_associations")
    [line] = told.read_text().splitlines()
    assert line.startswith("target.report: ")
    assert "the Airflow connection 'nowhere' is not defined" in line


def test_records_that_wait_are_told_of_and_a_broken_notifier_stops_nothing(
    told: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = (
        Notification(notifier=f"{HERE}.broken"),
        Notification(notifier=f"{HERE}.to_file", arguments={"prefix": "waiting:"}),
    )
    tell(notifiers("on_waiting", chosen), {}, target="039141-2026", waiting=7, message="…")
    assert told.read_text() == "waiting: 7 of 039141-2026\n"
    assert "a notification was not sent" in caplog.text


@pytest.mark.parametrize(
    ("notifier", "arguments", "said"),
    [
        ("no.such.module.Notifier", {}, "dag.on_failure[0].notifier: no.such.module.Notifier can't be imported here"),
        (f"{HERE}.NoSuch", {}, "can't be imported here"),
        (
            f"{HERE}.ToFile",
            {"txt": "x"},
            "dag.on_failure[0].arguments: tests.operators.notifiers.ToFile does not",
        ),
        ("os.path.sep", {}, "is no notifier and no function"),
        (
            "tests.operators.broken_notifier.Notify",
            {},
            "can't be imported here (ZeroDivisionError: ",
        ),
        (
            f"{HERE}.Refusing",
            {},
            "dag.on_failure[0].arguments: tests.operators.notifiers.Refusing can't be made with",
        ),
        (
            f"{HERE}.to_file",
            {"prefx": "x"},
            "dag.on_failure[0].arguments: tests.operators.notifiers.to_file does not",
        ),
    ],
)
def test_a_mistake_is_named_when_the_dag_is_read(notifier: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        notifiers("on_failure", [Notification(notifier=notifier, arguments=arguments)])
    assert said in str(error.value)
