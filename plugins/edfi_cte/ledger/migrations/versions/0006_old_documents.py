"""The document that a Delete/Post of one key deletes is kept until the key is settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column of the event queue."""
    op.add_column("edfi_cte_event", sa.Column("old_body", sa.UnicodeText))
