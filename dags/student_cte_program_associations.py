"""Keeps the Student CTE Program Associations of each configured scope year and district in step with Campus."""

from itertools import pairwise

from airflow.providers.common.compat.sdk import DAG, BaseOperator, cross_downstream, task_group

from edfi_cte.operators.dag import dag_arguments, first_task, report_tasks, step_tasks
from edfi_cte.operators.student_cte_program_associations import PARAMS
from edfi_cte.sync.steps import STEPS


@task_group
def target(target_ids: list[str]) -> None:
    """One scope year of one district: a lane that waits for no other; or several, one after the other."""
    steps = [step_tasks(name, target_ids, __file__) for name in STEPS]
    reports = report_tasks(target_ids, __file__)
    rows: list[list[BaseOperator]] = [*steps, *reports]
    for tasks, following in pairwise(rows):
        cross_downstream(tasks, following)
    # Of each, not of the last alone: when one of two that share a step fails, the other may be at work for long.
    cross_downstream([task for tasks in steps for task in tasks], reports[0])


with DAG(dag_id="student_cte_program_associations", params=PARAMS, **dag_arguments(__file__)):
    target.expand(target_ids=first_task(__file__).output)
