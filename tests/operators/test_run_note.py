"""A run's note in Airflow's grid: written when the run ends, never over a person's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edfi_cte.run_note import LONGEST, note_of, sentence_of
from sandbox.ods import serve
from tests.deployment import Deployment, target
from tests.sync.ods_seed import seed


@pytest.mark.slow
def test_the_note_says_what_matters_of_each_lane_failed_ones_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., Any]
) -> None:
    with serve(seed=seed(), api="7.3") as ods:
        deployment = Deployment(tmp_path, ods, monkeypatch)
        deployment.settings["targets"] = [target(2026), target(2027, preferences="typo")]
        deployment.settings["preferences"] = {"default": {}, "typo": {"send_enddate": True}}
        deployment.deploy()
        done = run_dag("student_cte_program_associations")
    failed, fine = note(done.run_id).splitlines()
    assert failed.startswith("039141-2027: ")
    assert "send_enddate" in failed
    assert fine == "039141-2026: ok, 1 sent, 0 failed"


def test_a_request_that_is_refused_is_the_runs_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., Any]
) -> None:
    with serve(seed=seed(), api="7.3") as ods:
        Deployment(tmp_path, ods, monkeypatch).deploy()
        done = run_dag("student_cte_program_associations", {"dryrun": True})
    assert note(done.run_id).startswith("the run was triggered with 'dryrun', which is no param of this DAG.")


def test_a_persons_note_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_dag: Callable[..., Any]
) -> None:
    with serve(seed=seed(), api="7.3") as ods:
        Deployment(tmp_path, ods, monkeypatch).deploy()
        done = run_dag("student_cte_program_associations", {"dry_run": True})
    assert note(done.run_id, before="mine") == "mine"
    assert note(done.run_id, before="") == "039141-2026: dry run, 0 sent, 0 failed"


def note(run_id: str, before: str | None = None) -> str:
    """The run's note once the scheduler has seen that its tasks have ended."""
    from airflow.models.dagbag import DBDagBag
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState

    with create_session() as session:
        run = session.query(DagRun).filter_by(run_id=run_id).one()
        if before is not None:
            run.note = before
        run.state = DagRunState.RUNNING
        run.dag = DBDagBag().get_dag_for_run(run, session=session)
        run.update_state(session=session)
        assert run.state != DagRunState.RUNNING
        session.flush()
        session.expire(run)
        return str(run.note)


def test_a_long_note_is_cut_where_airflows_database_would_refuse_it() -> None:
    text = note_of(
        [(False, f"{number:06}-2026: ok, 0 sent, 0 failed") for number in range(100)] + [(True, "z: failed")]
    )
    assert len(text) == LONGEST == 1000
    assert text.startswith("z: failed\n000000-2026")
    assert text.endswith("…")
    assert note_of([(False, "x" * LONGEST)]) == "x" * LONGEST


COUNTS = {"sent": {"Post": 1000, "Put": 234}, "failed": 2, "rejected for": {"a": 1, "b": 2}}
NONE: dict[str, Any] = {"sent": {}, "failed": 0, "rejected for": {}}


@pytest.mark.parametrize(
    ("status", "message", "counts", "waiting", "said"),
    [
        ("ok", None, COUNTS, 4, "039141-2026: ok, 1,234 sent, 2 failed, 3 rejected, 4 wait"),
        ("ok", "not said", NONE, 0, "039141-2026: ok, 0 sent, 0 failed"),
        ("dry run", None, NONE, 1, "039141-2026: dry run, 0 sent, 0 failed, 1 wait"),
        ("failed", "no host.\nMore.", COUNTS, 4, "039141-2026: no host."),
        ("failed", "039141-2026: no host.", NONE, 0, "039141-2026: no host."),
        ("failed", None, NONE, 0, "039141-2026: a step failed; its log says why"),
    ],
)
def test_a_lanes_sentence_says_why_it_failed_or_what_it_did(
    status: str, message: str | None, counts: dict[str, Any], waiting: int, said: str
) -> None:
    assert sentence_of("039141-2026", status, message, counts, waiting) == said
