"""The sync's numbers arrive at a StatsD server and at an OpenTelemetry receiver, sent by Airflow's own clients."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edfi_cte.operators import metrics
from edfi_cte.operators.student_cte_program_associations import PARAMS, SyncReportOperator, SyncStepOperator
from edfi_cte.sync.steps import STEPS
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.operators.otlp import receiving
from tests.sync.ods_seed import seed

TARGET = "039141-2026"


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Airflow's metrics sent to a socket of this test's, as a task process sets them up."""
    from airflow.sdk.observability.metrics import stats_utils
    from airflow.sdk.observability.stats import initialize

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.5)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.getsockname()[1]))
        initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
        yield server
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "False")
    initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)


def received(server: socket.socket) -> list[str]:
    lines = []
    try:
        while True:
            lines += server.recv(65536).decode().splitlines()
    except TimeoutError:
        return lines


def test_a_runs_numbers_by_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None, statsd: socket.socket
) -> None:
    with serve(seed=seed(), api="7.3") as ods:
        deployment = Deployment(tmp_path, ods, monkeypatch)
        deployment.rows.add(3, "77", person=3)
        deployment.another_campus("campus")
        deployment.deploy()
        context: Any = {"params": {name: param.value for name, param in PARAMS.items()}, "run_id": "run"}
        for step in STEPS:
            SyncStepOperator(task_id=step, step=step, target_ids=["039141-2026"]).execute(context)
        context["outlet_events"] = _Nowhere()
        SyncReportOperator(task_id="report", target_ids=["039141-2026"]).execute(context)
    lines = received(statsd)
    expected = {
        "airflow.edfi_cte.sent.039141-2026.post:1|c",
        "airflow.edfi_cte.sent:1|c",
        "airflow.edfi_cte.rejected.039141-2026:1|g",
        "airflow.edfi_cte.desired.039141-2026:1|g",
        "airflow.edfi_cte.held.039141-2026:0|g",
        "airflow.edfi_cte.waiting.039141-2026:0|g",
        "airflow.edfi_cte.out_of_reach.039141-2026:0|g",
        "airflow.edfi_cte.run.039141-2026.ok:1|c",
    }
    assert expected <= set(lines)
    timed = {line.split(":")[0] for line in lines if line.endswith("|ms")}
    assert {f"airflow.edfi_cte.step.duration.039141-2026.{step}" for step in STEPS} <= timed
    assert "1000000001" not in "".join(lines)


def test_failures_are_counted_by_error_type(statsd: socket.socket) -> None:
    counts = {"sent": {"Delete/Post": 2}, "failed for": {"not_yet_enrolled": 3}, "rejected for": {}, "desired": 5}
    metrics.reported("039141-2026", "failed", counts, {"waiting": 4})
    assert {
        "airflow.edfi_cte.sent.039141-2026.delete_post:2|c",
        "airflow.edfi_cte.failed.039141-2026.not_yet_enrolled:3|c",
        "airflow.edfi_cte.waiting.039141-2026:4|g",
        "airflow.edfi_cte.run.039141-2026.failed:1|c",
    } <= set(received(statsd))


def test_the_same_numbers_at_an_opentelemetry_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.observability.metrics import stats_utils
    from airflow.sdk.observability.stats import initialize
    from opentelemetry.metrics import get_meter_provider

    # This process lives on after the receiver; a task's flushes when it ends.
    own = "airflow.sdk._shared.observability.metrics.otel_logger.atexit_register_metrics_flush"
    monkeypatch.setattr(own, lambda: None)
    with receiving() as receiver:
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", receiver.address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
        initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
        counts = {"sent": {"Post": 2}, "failed for": {"not_yet_enrolled": 3}, "rejected for": {}, "desired": 5}
        metrics.reported(TARGET, "failed", counts, {"waiting": 4})
        metrics.step_took(TARGET, "resync_identity_mapping", 1.5)
        provider: Any = get_meter_provider()
        provider.force_flush()
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "False")
        initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
        provider.shutdown()
    of_target = ("target", TARGET)
    expected = {
        ("airflow.edfi_cte.sent", "sum", (("action", "post"), of_target)): 2,
        (f"airflow.edfi_cte.sent.{TARGET}.post", "sum", ()): 2,
        ("airflow.edfi_cte.failed", "sum", (("error_type", "not_yet_enrolled"), of_target)): 3,
        ("airflow.edfi_cte.run", "sum", (("status", "failed"), of_target)): 1,
        ("airflow.edfi_cte.waiting", "gauge", (of_target,)): 4,
        ("airflow.edfi_cte.desired", "gauge", (of_target,)): 5,
        (
            "airflow.edfi_cte.step.duration",
            "exponential_histogram",
            (("step", "resync_identity_mapping"), of_target),
        ): 1,
    }
    assert expected == {point: value for point, value in receiver.received.items() if point in expected}


class _Nowhere:
    """Airflow's outlet events, where no run takes them."""

    def __getitem__(self, _: Any) -> Any:
        return self

    def add(self, *_: Any, **__: Any) -> None:
        pass
