"""Row 10: the whole DAG for a district of median size under a scheduler, beside the same DAG of empty tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.airflow import ROOT, Airflow, connection, environment, standalone
from bench.district import SCOPE_YEAR, build_campus, ods_seed
from bench.results import Row
from edfi_cte.sync.lane import RESOURCE
from sandbox.ods import RunningOds, serve
from tests.sync.campus import DISTRICT

ASSOCIATIONS = 280
DAGS = ("student_cte_program_associations", "empty_lane")
_DEADLINE_SECONDS = 180

_EMPTY_DAG = """
from airflow.providers.common.compat.sdk import DAG, chain, task_group
from airflow.providers.standard.operators.python import PythonOperator

from edfi_cte.sync.steps import STEPS


def nothing(target_ids):
    return None


@task_group
def target(target_ids):
    chain(*(
        PythonOperator(task_id=name, python_callable=nothing, op_args=[target_ids]) for name in [*STEPS, "report"]
    ))


with DAG(dag_id="empty_lane", schedule=None, catchup=False):
    configured = PythonOperator(task_id="configured_targets", python_callable=lambda: [["one"]])
    target.expand(target_ids=configured.output)
"""


def row() -> Row:
    """Row 10."""
    with serve(seed=ods_seed(ASSOCIATIONS), api="7.3") as ods, _airflow(ods) as airflow:
        seconds = {
            name: airflow.run(name, _DEADLINE_SECONDS) for name in (*DAGS, *DAGS)
        }  # the first runs find nothing warm
        sent = ods.control.record_counts().get(RESOURCE, 0)
    real, empty = (seconds[name] for name in DAGS)
    return Row(
        10,
        f"the whole DAG for {ASSOCIATIONS} associations, scheduler, API server and local executor running",
        "the same DAG with empty tasks",
        "overhead of our work, reported",
        real / empty,
        None,
        {"whole DAG": real, "empty tasks": empty, "our work": real - empty, "in the ODS": sent},
    )


@contextmanager
def _airflow(ods: RunningOds) -> Iterator[Airflow]:
    with TemporaryDirectory(prefix="edfi-cte-bench-") as name:
        folder = Path(name)
        home = folder / "airflow"
        _write_dags(home / "dags")
        campus, settings = folder / "campus.duckdb", folder / "edfi_cte.yaml"
        build_campus(campus, ASSOCIATIONS)
        target = {
            "district_number": DISTRICT,
            "scope_year": SCOPE_YEAR,
            "campus_conn_id": "campus",
            "edfi_conn_id": "edfi",
        }
        settings.write_text(yaml.safe_dump({"version": 1, "targets": [target]}))
        variables = environment(
            home,
            settings,
            AIRFLOW_CONN_CAMPUS=connection("duckdb", host=str(campus), extra={"read_only": True}),
            AIRFLOW_CONN_EDFI=connection("edfi", host=ods.base_url, login=ods.key, password=ods.secret),
            AIRFLOW_CONN_EDFI_CTE_LEDGER=connection("sqlite", host=str(folder / "ledger.sqlite")),
        )
        with standalone(home, variables, f"sqlite:///{home / 'airflow.db'}") as airflow:
            yield airflow


def _write_dags(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "real.py").write_text((ROOT / "dags" / f"{DAGS[0]}.py").read_text())
    (folder / "empty.py").write_text(_EMPTY_DAG)
