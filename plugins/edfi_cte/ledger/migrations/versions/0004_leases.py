"""Leases, holds and passes; what a step of a run has left, a row each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mssql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DIGEST = sa.Unicode(32)
_TIME = sa.DateTime().with_variant(mssql.DATETIME2(6), "mssql")  # type: ignore[no-untyped-call]


def upgrade() -> None:
    """Whatever is under way begins anew: the leases of before told runs by their id alone."""
    op.create_table(
        "edfi_cte_lease",
        sa.Column("target_id", sa.Unicode(40), primary_key=True),
        sa.Column("owner", _DIGEST),
        sa.Column("owner_name", sa.Unicode(600)),
        sa.Column("expires_at", _TIME),
        sa.Column("pass_owner", _DIGEST),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("read_by", _DIGEST),
        sa.Column("read_at", _TIME),
        sa.Column("planned", sa.Boolean, nullable=False),
    )
    op.create_table(
        "edfi_cte_hold",
        sa.Column("target_id", sa.Unicode(40), nullable=False),
        sa.Column("part", sa.Unicode(60), nullable=False),
        sa.Column("step", sa.Unicode(40), nullable=False),
        sa.Column("token", sa.Unicode(32), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "part", name="edfi_cte_hold_pk"),
    )
    op.create_table(
        "edfi_cte_run_step",
        sa.Column("target_id", sa.Unicode(40), nullable=False),
        sa.Column("run_id", sa.Unicode(250), nullable=False),
        sa.Column("part", sa.Unicode(60), nullable=False),
        sa.Column("step", sa.Unicode(40), nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=False),
        sa.Column("task_id", sa.Unicode(250)),
        sa.Column("map_index", sa.Integer),
        sa.Column("counts", sa.UnicodeText, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "run_id", "part", name="edfi_cte_run_step_pk"),
    )
    op.add_column("edfi_cte_run", sa.Column("owner", _DIGEST))
    op.add_column("edfi_cte_run", sa.Column("dag_id", sa.Unicode(250)))
    op.drop_column("edfi_cte_run", "counts")
    op.add_column("edfi_cte_event", sa.Column("claimed_by", sa.Unicode(32)))
    op.execute("UPDATE edfi_cte_event SET status = 'pending' WHERE status = 'sending'")
    op.drop_column("edfi_cte_target", "lease_owner")
    op.drop_column("edfi_cte_target", "lease_expires_at")
    op.drop_table("edfi_cte_step")
