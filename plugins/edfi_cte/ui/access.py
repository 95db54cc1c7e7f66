"""Who may see what, by Airflow's own rights. The one place that knows Airflow's API server.

Annotations are evaluated here: FastAPI would take a dependency that it can't resolve for a query parameter.
"""

from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends

DAG_ID = "student_cte_program_associations"

may_read = requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=DAG_ID)
"""Raises 401 or 403 for whoever may not read the DAG's runs."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the signed-in user may do beside reading."""

    edit: bool
    """May edit the DAG: sees student ids whole, and the server's own paths."""
    trigger: bool
    """May trigger a run of the DAG, and so approve what waits."""


def rights_of(user: Annotated[BaseUser, Depends(get_user)]) -> Rights:
    """The rights of a request's user on the DAG."""
    manager, dag = get_auth_manager(), DagDetails(id=DAG_ID)
    return Rights(
        edit=manager.is_authorized_dag(method="PUT", details=dag, user=user),
        trigger=manager.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=dag, user=user),
    )


CurrentRights = Annotated[Rights, Depends(rights_of)]
