"""The first ledger, from which upgrades start. A new ledger is made from the schema and never comes by here."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing."""
