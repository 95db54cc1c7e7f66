"""A run's note in Airflow's grid: the sentence that matters of each lane, failed ones first.

A listener of Airflow's plugins, called by the scheduler when a run ends, since tasks can't set a note. It needs the
package to be installed there, and does nothing where it is not, or where a person has written a note.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl
from sqlalchemy.orm import object_session

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

KEY = "edfi_cte_note"
"""The XCom by which a report hands on its lanes' sentences, each as ``[failed, sentence]``."""
LONGEST = 1000
"""Characters that Airflow's database takes."""
log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001
    """Airflow's hook."""
    _annotate(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001
    """Airflow's hook."""
    _annotate(dag_run)


def sentence_of(target_id: str, status: str, message: str | None, counts: Mapping[str, Any], waiting: int) -> str:
    """What matters of a lane: why it failed, or what it did."""
    if status == "failed":
        first, *_ = (message or "a step failed; its log says why").splitlines()
        return first if first.startswith(target_id) else f"{target_id}: {first}"
    parts = [f"{sum(counts['sent'].values()):,} sent", f"{counts['failed']:,} failed"]
    parts += [
        f"{n:,} {what}" for what, n in (("rejected", sum(counts["rejected for"].values())), ("wait", waiting)) if n
    ]
    return f"{target_id}: {status}, {', '.join(parts)}"


def note_of(lanes: Iterable[tuple[bool, str]]) -> str:
    """The note for lanes as (failed, sentence): failed ones first, cut where Airflow's database would."""
    text = "\n".join(sentence for _, sentence in sorted(lanes, key=lambda lane: (not lane[0], lane[1])))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _annotate(dag_run: Any) -> None:
    """In the scheduler's own session and transaction: one beside it would wait for the lock that this one holds."""
    try:
        session = object_session(dag_run)
        if session is None or dag_run.note:
            return
        if lanes := list(_sentences(session, dag_run)):
            dag_run.note = note_of(lanes)
    except Exception:  # The scheduler goes on, whatever a later Airflow has made of this.
        log.debug("no note was written", exc_info=True)


def _sentences(session: Any, dag_run: Any) -> Iterator[tuple[bool, str]]:
    from airflow.models.xcom import XComModel

    for row in session.scalars(XComModel.get_many(run_id=dag_run.run_id, key=KEY, dag_ids=dag_run.dag_id)):
        yield from XComModel.deserialize_value(row)
