"""What a person's yes to a list lets pass, until when; and what the guard counts as deleted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from edfi_cte.associations.actions import Action
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import approval, delete_list, delete_list_item, deletion, identity_mapping, kept_record
from edfi_cte.sync import keeping
from edfi_cte.sync.evidence import LaneEvidence, guard_of
from edfi_cte.sync.lane import Lane, RunOptions, StepFailed
from tests.ledger.rows import OTHER, TARGET, add
from tests.sync.world import World

LIST, ANOTHER = f"{TARGET}:aa", f"{TARGET}:bb"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    nowhere = SimpleNamespace(base_url="http://127.0.0.1:9", key="key", secret="secret")
    lane = World({2026: nowhere}, tmp_path).lane(run_id="run")
    lane.options = RunOptions(approve=LIST, approved_by="Ada")
    return lane


def make(lane: Lane, list_id: str, seen: timedelta) -> None:
    with lane.ledger.begin() as connection:
        of_list = {"target_id": TARGET, "list_id": list_id}
        add(connection, delete_list, **of_list, state="waiting", records=1, seen_at=bulk.now() - seen)
        add(connection, delete_list_item, **of_list, key_id="k", action="Delete", cause="no_show")


def approvals_of(lane: Lane) -> list[tuple[str, str, str | None]]:
    with lane.ledger.connect() as connection:
        rows = connection.execute(sa.select(approval.c.list_id, approval.c.run_id, approval.c.approved_by))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("dry", [False, True])
def test_what_is_on_an_approved_list_passes_for_its_action_and_cause(lane: Lane, dry: bool):
    make(lane, LIST, 7 * DAY - HOUR)
    lane.options = RunOptions(approve=LIST, approved_by="Ada", dry_run=dry)
    with lane.held("extract"):
        evidence = LaneEvidence(lane)
    assert evidence.approved("k", Action.DELETE, "no_show") == LIST
    for key, action, cause in (
        ("m", Action.DELETE, "no_show"),
        ("k", Action.DELETE_POST, "no_show"),
        ("k", Action.DELETE, "no_source"),
    ):
        assert evidence.approved(key, action, cause) is None
    assert approvals_of(lane) == ([] if dry else [(LIST, "run", "Ada")])


def test_a_list_that_no_run_has_seen_for_long_is_refused(lane: Lane):
    make(lane, LIST, 7 * DAY + HOUR)
    with (
        lane.held("extract"),
        pytest.raises(StepFailed, match=r"too long ago .*approval_days: 7\). Nothing was sent"),
    ):
        LaneEvidence(lane)
    assert approvals_of(lane) == []


def test_a_list_that_is_not_there_is_refused_and_those_that_are_are_named(lane: Lane):
    with lane.ledger.begin() as connection:
        waits = {"state": "waiting", "action": "Delete", "cause": "no_show", "reason": "guard"}
        add(connection, kept_record, target_id=TARGET, key_id="k", **waits)
        [made] = keeping.look(connection, lane).lists
    with lane.held("extract"), pytest.raises(StepFailed) as refused:
        LaneEvidence(lane)
    said = f"there is no list '{LIST}' to approve; what waits or is held now: {made.list_id}. Nothing was sent."
    assert said in str(refused.value)


def test_the_guard_knows_what_is_mapped_and_what_was_deleted_in_its_window(lane: Lane):
    with lane.ledger.begin() as connection:
        for key, target_id in (("a", TARGET), ("b", TARGET), ("a", OTHER)):
            add(connection, identity_mapping, target_id=target_id, key_id=key, ods_id=key)
        for ago, list_id in ((23 * HOUR, None), (25 * HOUR, None), (HOUR, LIST)):
            add(connection, deletion, target_id=TARGET, deleted_at=bulk.now() - ago, list_id=list_id)
        waits = {"state": "waiting", "action": "Delete", "cause": "no_show"}
        add(connection, kept_record, target_id=TARGET, key_id="a", reason="last_records", **waits)
        add(connection, kept_record, target_id=TARGET, key_id="b", reason="guard", **(waits | {"cause": "other"}))
    guard = guard_of(lane)
    assert (guard.limits, guard.known, guard.deleted) == (lane.settings.guards, 2, 1)
    assert guard.last_records == {("Delete", "no_show")}


def test_what_waits_becomes_a_list_and_what_is_old_goes(lane: Lane):
    make(lane, LIST, 401 * DAY)
    make(lane, ANOTHER, 399 * DAY)
    with lane.ledger.begin() as connection:
        for ago in (399 * DAY, 401 * DAY):
            add(connection, deletion, target_id=TARGET, deleted_at=bulk.now() - ago)
        waits = {"state": "waiting", "action": "Delete", "cause": "no_show", "reason": "guard"}
        add(connection, kept_record, target_id=TARGET, key_id="k", **waits)
        standing = keeping.look(connection, lane)
        keeping.prune(connection, lane)
        lists = connection.scalars(sa.select(delete_list.c.list_id)).all()
        deletions = connection.execute(sa.select(deletion)).all()
    [made] = standing.lists
    assert (made.state, made.records) == ("waiting", 1)
    assert [tuple(kept) for kept in standing.kept] == [("waiting", "Delete", "no_show", "guard", 1)]
    assert sorted(lists) == sorted([ANOTHER, made.list_id])
    assert len(deletions) == 1
