"""Tokens and rights in the ledger: kept encrypted until they expire, and a write tried that leaves nothing."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from edfi_cte.ledger import bulk, runs
from edfi_cte.ledger.leases import Owner
from edfi_cte.ledger.schema import target, token
from edfi_cte.ledger.tokens import LedgerTokenStore
from tests.ledger.rows import AT, OTHER, TARGET, add

OLD_KEY, NEW_KEY = (Fernet.generate_key().decode() for _ in range(2))


def test_a_token_is_kept_encrypted_until_the_moment_it_expires(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "now", lambda: AT)
    store = LedgerTokenStore(memory.engine, [OLD_KEY])
    until = (AT + timedelta(hours=1)).replace(tzinfo=UTC)
    for key, text in (("a", "replaced"), ("a", "hidden-word"), ("b", "other")):
        store.put(key, text, until)
    assert (store.get("a"), store.get("b"), store.get("c")) == (("hidden-word", until), ("other", until), None)
    assert not any("hidden-word" in str(row) for row in memory.execute(sa.select(token)))
    turned = LedgerTokenStore(memory.engine, [NEW_KEY, OLD_KEY])
    assert turned.get("a") == ("hidden-word", until), "each key decrypts"
    turned.put("a", "new", until)
    assert store.get("a") is None, "the first encrypts, which this store does not have"
    monkeypatch.setattr(bulk, "now", lambda: AT + timedelta(minutes=59, seconds=59))
    assert store.get("b") is not None
    monkeypatch.setattr(bulk, "now", lambda: AT + timedelta(hours=1))
    assert store.get("b") is None


def test_a_refused_token_is_forgotten_unless_it_is_replaced_already(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "now", lambda: AT)
    store = LedgerTokenStore(memory.engine, [OLD_KEY])
    for key in ("a", "b"):
        store.put(key, "good", (AT + timedelta(hours=1)).replace(tzinfo=UTC))
    store.discard("a", "refused")
    store.discard("c", "good")
    assert store.get("a") is not None
    store.discard("a", "good")
    assert store.get("a") is None
    assert store.get("b") is not None


def test_a_write_is_tried_of_each_kind_on_a_row_of_its_own_and_leaves_nothing(memory: sa.Connection) -> None:
    for target_id in (TARGET, OTHER):
        add(memory, target, target_id=target_id)
    memory.commit()
    tried: list[tuple[str, int]] = []

    @sa.event.listens_for(memory, "after_cursor_execute")
    def _tried(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        tried.append((statement.split()[0], cursor.rowcount))

    runs.try_write(memory)
    assert tried == [("INSERT", 1), ("UPDATE", 1), ("DELETE", 1)]
    assert not memory.in_transaction(), "it is taken back"
    assert sorted(memory.scalars(sa.select(target.c.target_id))) == [TARGET, OTHER]


def test_runs_of_two_dags_with_one_name_that_is_too_long_share_an_entry(memory: sa.Connection) -> None:
    names = [runs.start(memory, TARGET, Owner("airflow", dag, "r" * 260), {}) for dag in ("one", "two")]
    assert names == ["r" * 250] * 2
