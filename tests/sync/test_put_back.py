"""A document that a Delete/Post took away, and that nothing replaces: the plan puts it back, once."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.plan import Action, Cause, Planned
from edfi_cte.ledger.schema import event, identity_mapping, record_outcome
from edfi_cte.sync.lane import Lane
from edfi_cte.sync.planning import make_plan
from tests.ledger.rows import TARGET, add
from tests.sync.world import World

OLD = json.dumps({"programReference": {"programName": "Health"}})
KEY = "ab" * 16
PUT_BACK = Planned(Action.POST, Cause.PUT_BACK)


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    nowhere = SimpleNamespace(base_url="http://127.0.0.1:9", key="key", secret="secret")
    return World({2026: nowhere}, tmp_path).lane(run_id="run")


def rows(connection: sa.Connection, *, mapped: bool = False, desired: bool = False) -> None:
    """Enrollment 1 is rejected, and its document was taken away; another may desire its key."""
    taken: dict[str, Any] = {"enrollment_id": 1, "key_id": KEY, "status": "failed", "action": "Delete/Post"}
    add(connection, event, target_id=TARGET, **taken, old_body=OLD, career_cluster="5")
    add(connection, record_outcome, target_id=TARGET, enrollment_id=1, outcome="rejected", reason="cluster")
    if mapped:
        known = {"target_id": TARGET, "key_id": KEY, "enrollment_id": 1, "career_cluster": "8"}
        add(connection, identity_mapping, **known, ods_id="old")
    if desired:
        wanted = {"target_id": TARGET, "enrollment_id": 2, "outcome": "desired", "key_id": KEY, "body": "{}"}
        add(connection, record_outcome, **wanted)


@pytest.mark.parametrize(("mapped", "cluster"), [(True, "8"), (False, "")])
def test_it_is_put_back_where_its_record_is_rejected(lane: Lane, mapped: bool, cluster: str):
    with lane.ledger.begin() as connection:
        rows(connection, mapped=mapped)
    *_, (found, said) = make_plan(lane)
    assert said == PUT_BACK
    assert found.difference.desired is not None
    assert (found.body, found.difference.desired.career_cluster) == (OLD, cluster)


def test_it_is_not_put_back_where_another_record_takes_its_place(lane: Lane):
    with lane.ledger.begin() as connection:
        rows(connection, desired=True)
    [(found, said)] = make_plan(lane)
    assert isinstance(said, Planned)
    assert (found.body, said.cause == Cause.PUT_BACK) == ("{}", False)
