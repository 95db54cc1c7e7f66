"""One target alone sends to an address for an education organization."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import addresses
from edfi_cte.ledger.schema import address_claim, identity_mapping
from tests.ledger.rows import OTHER, TARGET, add

HERE, THERE = "https://ods.example/data/v3", "https://other.example/data/v3"


def claims(connection: sa.Connection) -> set[tuple[str, str, int]]:
    columns = (address_claim.c.target_id, address_claim.c.address, address_claim.c.education_organization_id)
    return {tuple(row) for row in connection.execute(sa.select(*columns))}


def test_an_address_is_the_same_however_it_is_written():
    assert addresses.address_id(f" {HERE.upper()}/ ") == addresses.address_id(HERE)
    assert addresses.address_id(HERE) != addresses.address_id(THERE)


def test_the_first_to_claim_has_it_and_the_second_is_told_who(memory: sa.Connection):
    assert addresses.claim(memory, TARGET, HERE, 1) is None
    assert addresses.claim(memory, TARGET, f"{HERE}/", 1) is None, "its own already"
    assert addresses.claim(memory, OTHER, HERE, 1) == TARGET
    assert claims(memory) == {(TARGET, HERE, 1)}
    assert addresses.claim(memory, OTHER, HERE, 2) is None, "for another education organization"
    assert addresses.holder(memory, HERE, 1) == TARGET
    assert addresses.holder(memory, HERE, 2) == OTHER
    assert addresses.holder(memory, THERE, 1) is None


def test_of_two_that_claim_at_once_the_database_refuses_one(memory: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    addresses.claim(memory, TARGET, HERE, 1)
    looked: list[str] = []
    holder = addresses.holder

    def too_early(connection: sa.Connection, address: str, edorg_id: int) -> str | None:
        """The second looks just before the first has claimed."""
        looked.append(address)
        return holder(connection, address, edorg_id) if len(looked) > 1 else None

    monkeypatch.setattr(addresses, "holder", too_early)
    assert addresses.claim(memory, OTHER, HERE, 1) == TARGET
    assert claims(memory) == {(TARGET, HERE, 1)}


def test_a_target_that_moves_leaves_its_old_address_to_others(memory: sa.Connection):
    addresses.claim(memory, TARGET, HERE, 1)
    addresses.claim(memory, OTHER, HERE, 2)
    assert addresses.claim(memory, TARGET, THERE, 1) is None
    assert claims(memory) == {(TARGET, THERE, 1), (OTHER, HERE, 2)}
    claim = addresses.of_target(memory, TARGET)
    assert claim is not None
    assert claim.address == THERE
    assert addresses.of_target(memory, "nobody") is None
    assert addresses.claim(memory, "third", HERE, 1) is None


def test_of_the_targets_at_an_address_those_count_whose_records_were_sent(memory: sa.Connection):
    for target_id, address, edorg_id in ((TARGET, HERE, 1), (OTHER, HERE, 2), ("elsewhere", THERE, 1)):
        addresses.claim(memory, target_id, address, edorg_id)
    assert addresses.with_mappings_at(memory, HERE) == []
    for target_id in (TARGET, "elsewhere"):
        add(memory, identity_mapping, target_id=target_id)
    assert addresses.with_mappings_at(memory, HERE) == [TARGET]


def test_an_unused_claim_is_taken_of_this_address_and_organization_and_never_of_the_target_itself(
    memory: sa.Connection,
):
    addresses.claim(memory, TARGET, HERE, 1)
    addresses.claim(memory, OTHER, HERE, 2)
    addresses.claim(memory, "elsewhere", THERE, 1)
    all_ = claims(memory)
    addresses.release_unused(memory, HERE, 1, TARGET)
    assert claims(memory) == all_
    addresses.release_unused(memory, HERE, 1, OTHER)
    assert claims(memory) == all_ - {(TARGET, HERE, 1)}
