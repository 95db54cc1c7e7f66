"""Where the student is enrolled, for reports and pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns of the extract; the next extract fills them."""
    for name in ("school_number", "school_name", "calendar_name"):
        op.add_column("edfi_cte_enrollment_record", sa.Column(name, sa.Unicode(200)))
