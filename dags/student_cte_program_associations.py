"""Keeps the Student CTE Program Associations of each configured scope year and district in step with Campus."""

from airflow.providers.common.compat.sdk import DAG, chain, task_group

from edfi_cte.operators.student_cte_program_associations import (
    PARAMS,
    ConfiguredTargetsOperator,
    SyncReportOperator,
    SyncStepOperator,
    dag_arguments,
)
from edfi_cte.sync.steps import STEPS


@task_group
def target(target_id: str) -> None:
    """One scope year of one district: a lane that waits for no other."""
    steps = [SyncStepOperator(task_id=name, step=name, target_id=target_id) for name in STEPS]
    chain(*steps, SyncReportOperator(task_id="report", target_id=target_id, trigger_rule="all_done"))


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
