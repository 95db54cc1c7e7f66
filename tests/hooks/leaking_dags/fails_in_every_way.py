"""A DAG whose tasks all fail while they handle a student's data; run by test_leaks.py."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import dag, task
from airflow.providers.http.operators.http import HttpOperator

from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.operators.edfi import EdFiGetOperator, EdFiUpsertOperator

CONNECTION = "edfi_2026"


@dag(schedule=None, catchup=False)
def fails_in_every_way() -> None:
    EdFiUpsertOperator(
        task_id="refused", resource="students", path=os.environ["STUDENTS_FILE"], edfi_conn_id=CONNECTION
    )
    EdFiGetOperator(task_id="short", resource="students", path=os.environ["OUT_FILE"], edfi_conn_id=CONNECTION)
    HttpOperator(
        task_id="http",
        http_conn_id=CONNECTION,
        endpoint="ed-fi/students",
        method="GET",
        log_response=True,
    )

    @task
    def raised() -> None:
        """The error reaches Airflow with all its context."""
        with Path(os.environ["STUDENTS_FILE"]).open("rb") as students, EdFiHook(CONNECTION) as hook:
            print(hook.config(), hook.client())
            hook.upsert("students", students.readline())

    @task
    def returned() -> str:
        """The test button's words, as a task's result."""
        return EdFiHook(CONNECTION).test_connection()[1]

    raised()
    returned()


fails_in_every_way()
