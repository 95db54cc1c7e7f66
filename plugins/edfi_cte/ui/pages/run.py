"""Run: its accounting as a picture and as the report's table, its steps, and the runs beside it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from edfi_cte.ledger import overview
from edfi_cte.ledger.overview import Run, StepLeft
from edfi_cte.sync.lane import NO_COUNTS, STEP_NAMES
from edfi_cte.ui.access import DAG_ID
from edfi_cte.ui.pictures import desired_of, records_of
from edfi_cte.ui.visit import CurrentVisit, Visit

router = APIRouter()


@router.get("/run")
def run(visit: CurrentVisit, target: str, run: str) -> HTMLResponse:
    """One run of one target."""
    with visit.ledger() as connection:
        this = overview.find_run(connection, target, run)
        if this is None:
            raise HTTPException(404, "The ledger has no such run: it never began, or it is older than the retention.")
        before, after = overview.neighbours(connection, this)
        newest = overview.last_counted(overview.recent_runs(connection, target))
    return visit.render(
        "run.html",
        title=f"Run of {target}",
        run=this,
        target=target,
        before=before,
        after=after,
        is_newest=newest is not None and newest.run_id == this.run_id,
        records=records_of(this),
        desired=desired_of(this),
        rows=report_rows(visit, this),
        steps=_steps(visit, this),
        in_airflow=visit.airflow_url("dags", this.dag_id or DAG_ID, "runs", this.dag_run_id),
    )


@router.get("/dag-run")
def dag_run(visit: CurrentVisit, dag_id: str, run_id: str) -> HTMLResponse:
    """The targets of a DAG run; for one alone its page at once."""
    if dag_id != DAG_ID:
        return visit.render("elsewhere.html", title="Not an Ed-Fi DAG")
    with visit.ledger() as connection:
        found = overview.targets_of_run(connection, run_id)
        runs = [overview.find_run(connection, target_id, run_id) for target_id in found[:200]]
    if len(found) == 1:
        return run(visit, found[0], run_id)
    return visit.render("dag_run.html", title="A DAG run", run_id=run_id, runs=runs, total=len(found))


def _steps(visit: Visit, this: Run) -> list[dict[str, Any]]:
    """What each step, or task that shares it, has left, in their order, with its task's page in Airflow."""
    steps = sorted((step for step in this.steps if step.step != "report"), key=_order)
    return [
        {
            "name": step.part,
            "fault": step.fault,
            "words": _words(step.left),
            "began_at": step.began_at,
            "seconds": (step.ended_at - step.began_at).total_seconds(),
            "log": _log(visit, this, step),
        }
        for step in steps
    ]


def _order(step: StepLeft) -> tuple[int, str]:
    return (STEP_NAMES.index(step.step) if step.step in STEP_NAMES else len(STEP_NAMES), step.part)


def _words(left: dict[str, Any]) -> str:
    """A step's numbers, but for what is no count of records."""
    counts = [(name, value) for name, value in left.items() if isinstance(value, int) and name not in NO_COUNTS]
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts[:6])


def _log(visit: Visit, this: Run, step: StepLeft) -> str | None:
    if step.task_id is None:
        return None
    mapped = ("mapped", str(step.map_index)) if step.map_index is not None and step.map_index >= 0 else ()
    return visit.airflow_url("dags", this.dag_id or DAG_ID, "runs", this.dag_run_id, "tasks", step.task_id, *mapped)


Row = tuple[str, int | None, str | None, int]
"""Words, number, the address of its list, and how deep it stands."""


def report_rows(visit: Visit, this: Run) -> list[Row]:
    """The report's table, each number with its list where there is one."""
    rows: list[Row] = []
    for name, value in this.report.items():
        if isinstance(value, dict):
            if value:
                rows.append((name, None, None, 0))
                rows += [(part, n, _list_of(visit, this, name, part), 1) for part, n in value.items()]
        else:
            rows.append((name, value, _list_of(visit, this, name, ""), 0))
    return rows


def _list_of(visit: Visit, this: Run, name: str, part: str) -> str | None:
    here = {"target": this.target_id}
    in_run = here | {"run": this.run_id}
    lists: dict[str, tuple[str, dict[str, Any]]] = {
        "extracted": ("records", here),
        "excluded by": ("records", here | {"outcome": "excluded", "reason": part}),
        "rejected for": ("records", here | {"outcome": "rejected", "reason": part}),
        "superseded by another enrollment": ("records", here | {"outcome": "superseded"}),
        "desired": ("records", here | {"outcome": "desired"}),
        "planned": ("events", in_run | {"action": part}),
        "because of": ("events", in_run | {"cause": part}),
        "sent": ("events", in_run | {"action": part, "status": "sent"}),
        "failed": ("events", in_run | {"status": "failed"}),
        "failed for": ("events", in_run | {"status": "failed", "error": part}),
        "held": ("waiting", here),
        "held for": ("waiting", here),
        "waiting": ("waiting", here),
        "out of reach": ("waiting", here),
    }
    page, query = lists.get(name, ("", {}))
    return visit.url(page, **query) if page else None
