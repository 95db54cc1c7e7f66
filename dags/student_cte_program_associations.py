"""Keeps the Student CTE Program Associations of each configured scope year and district in step with Campus."""

from itertools import pairwise

from airflow.providers.common.compat.sdk import DAG, BaseOperator, cross_downstream, task_group

from edfi_cte.operators.student_cte_program_associations import (
    PARAMS,
    ConfiguredTargetsOperator,
    dag_arguments,
    report_tasks,
    step_tasks,
)
from edfi_cte.sync.steps import STEPS


@task_group
def target(target_ids: list[str]) -> None:
    """One scope year of one district: a lane that waits for no other; or several, one after the other."""
    rows: list[list[BaseOperator]] = [*(step_tasks(name, target_ids) for name in STEPS), *report_tasks(target_ids)]
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
    target.expand(target_ids=configured.output)
