"""Indexes of the lists: the newest events of a target, the newest runs of a target, what is kept by state."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but indexes."""
    op.create_index("edfi_cte_event_target", "edfi_cte_event", ["target_id", "event_id"])
    op.create_index("edfi_cte_run_started", "edfi_cte_run", ["target_id", "started_at"])
    op.create_index("edfi_cte_kept_record_state", "edfi_cte_kept_record", ["target_id", "state", "key_id"])
