"""Which target alone sends to an address for an education organization."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import digest
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import address_claim as table
from edfi_cte.ledger.schema import identity_mapping


def address_id(address: str) -> str:
    """A digest that is equal for addresses that are written otherwise and mean the same."""
    return digest(address.strip().rstrip("/").casefold())


def claim(connection: sa.Connection, target_id: str, address: str, edorg_id: int) -> str | None:
    """Claim an address for a target; the target that has it, if another does, else ``None``.

    Atomic: of two that claim at once, the database refuses one.
    """
    already = holder(connection, address, edorg_id)
    if already is not None:
        return None if already == target_id else already
    values = {
        "target_id": target_id,
        "address_id": address_id(address),
        "education_organization_id": edorg_id,
        "address": address,
        "claimed_at": bulk.now(),
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.delete(table).where(table.c.target_id == target_id))
            connection.execute(sa.insert(table).values(values))
    except sa.exc.IntegrityError:
        already = holder(connection, address, edorg_id)
        return None if already == target_id else already
    return None


def holder(connection: sa.Connection, address: str, edorg_id: int) -> str | None:
    """The target that has claimed an address for an education organization."""
    return connection.execute(
        sa.select(table.c.target_id).where(
            table.c.address_id == address_id(address), table.c.education_organization_id == edorg_id
        )
    ).scalar()


def of_target(connection: sa.Connection, target_id: str) -> sa.Row[Any] | None:
    """The claim of a target."""
    return connection.execute(sa.select(table).where(table.c.target_id == target_id)).first()


def with_mappings_at(connection: sa.Connection, address: str) -> list[str]:
    """The targets, of any education organization, whose records were sent to an address."""
    mapped = sa.exists().where(identity_mapping.c.target_id == table.c.target_id)
    return list(
        connection.scalars(sa.select(table.c.target_id).where(table.c.address_id == address_id(address), mapped))
    )


def release_unused(connection: sa.Connection, address: str, edorg_id: int, target_id: str) -> None:
    """Take an address from a target that has no use for it any more."""
    connection.execute(
        sa.delete(table).where(
            table.c.address_id == address_id(address),
            table.c.education_organization_id == edorg_id,
            table.c.target_id != target_id,
        )
    )
