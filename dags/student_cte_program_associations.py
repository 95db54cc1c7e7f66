"""Keeps the Student CTE Program Associations of each configured scope year and district in step with Campus."""

from itertools import pairwise

from airflow.providers.common.compat.sdk import DAG, BaseOperator, cross_downstream, task_group

from edfi_cte.operators.student_cte_program_associations import (
    PARAMS,
    ConfiguredTargetsOperator,
    SyncReportOperator,
    dag_arguments,
    step_tasks,
)
from edfi_cte.sync.steps import STEPS


@task_group
def target(target_id: str) -> None:
    """One scope year of one district: a lane that waits for no other."""
    report = SyncReportOperator(task_id="report", target_id=target_id, trigger_rule="all_done")
    rows: list[list[BaseOperator]] = [*(step_tasks(name, target_id) for name in STEPS), [report]]
    for tasks, following in pairwise(rows):
        cross_downstream(tasks, following)


with DAG(
    dag_id="student_cte_program_associations",
    description="Student CTE Program Associations: Infinite Campus to the state's Ed-Fi ODS",
    doc_md=__doc__,
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    **dag_arguments(),
):
    configured = ConfiguredTargetsOperator(task_id="configured_targets")
    target.expand(target_id=configured.output)
