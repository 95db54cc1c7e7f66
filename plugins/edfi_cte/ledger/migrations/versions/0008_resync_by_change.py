"""What the last clean resync of each target has left, so that the next may read only what has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mssql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    time = sa.DateTime().with_variant(mssql.DATETIME2(6), "mssql")  # type: ignore[no-untyped-call]
    op.create_table(
        "edfi_cte_resync",
        sa.Column("target_id", sa.Unicode(40), primary_key=True),
        sa.Column("data_url", sa.Unicode(1000), nullable=False),
        sa.Column("scope", sa.Unicode(32), nullable=False),
        sa.Column("whole_at", time, nullable=False),
        sa.Column("earlier_version", sa.BigInteger, nullable=False),
        sa.Column("newest_version", sa.BigInteger, nullable=False),
    )
