"""Deletes that are earned: kept records, lists and approvals, deletions by time, address claims, differences."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mssql

revision = "0003"
down_revision = "0002"

metadata = sa.MetaData()

_DIGEST = sa.Unicode(32)
_TIME = sa.DateTime().with_variant(mssql.DATETIME2(6), "mssql")  # type: ignore[no-untyped-call]
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _target_id() -> sa.Column[str]:
    return sa.Column("target_id", sa.Unicode(40), nullable=False)


# What stays in the ODS although nothing desires it as it is there: held, waiting, or out of the key's reach.
kept_record = sa.Table(
    "edfi_cte_kept_record",
    metadata,
    _target_id(),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("state", sa.Unicode(12), nullable=False),
    sa.Column("action", sa.Unicode(12), nullable=False),
    sa.Column("cause", sa.Unicode(60), nullable=False),
    sa.Column("reason", sa.Unicode(60), nullable=False),
    sa.Column("enrollment_id", sa.BigInteger),
    sa.Column("ods_id", sa.Unicode(36)),
    sa.Column("found_by", sa.Unicode(10), nullable=False),
    sa.Column("first_contact", sa.Boolean, nullable=False),
    sa.Column("since", _TIME, nullable=False),
    sa.Column("seen_at", _TIME, nullable=False),
    # When the ODS last refused its delete; null once it may be asked again.
    sa.Column("refused_at", _TIME),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.PrimaryKeyConstraint("target_id", "key_id", name="edfi_cte_kept_record_pk"),
)

# What a person may say yes to: the deletes that waited, or were held, when a run looked last.
delete_list = sa.Table(
    "edfi_cte_delete_list",
    metadata,
    _target_id(),
    sa.Column("list_id", sa.Unicode(80), nullable=False),
    sa.Column("state", sa.Unicode(12), nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("made_at", _TIME, nullable=False),
    sa.Column("seen_at", _TIME, nullable=False),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.PrimaryKeyConstraint("target_id", "list_id", name="edfi_cte_delete_list_pk"),
)

delete_list_item = sa.Table(
    "edfi_cte_delete_list_item",
    metadata,
    _target_id(),
    sa.Column("list_id", sa.Unicode(80), nullable=False),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("action", sa.Unicode(12), nullable=False),
    sa.Column("cause", sa.Unicode(60), nullable=False),
    sa.PrimaryKeyConstraint("target_id", "list_id", "key_id", name="edfi_cte_delete_list_item_pk"),
)

approval = sa.Table(
    "edfi_cte_approval",
    metadata,
    sa.Column("approval_id", _BIG, primary_key=True, autoincrement=True),
    _target_id(),
    sa.Column("list_id", sa.Unicode(80), nullable=False),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.Column("approved_by", sa.Unicode(250)),
    sa.Column("approved_at", _TIME, nullable=False),
    sa.Index("edfi_cte_approval_target", "target_id", "run_id"),
)

# Each record that was deleted, by time: what the guard counts.
deletion = sa.Table(
    "edfi_cte_deletion",
    metadata,
    sa.Column("deletion_id", _BIG, primary_key=True, autoincrement=True),
    _target_id(),
    sa.Column("deleted_at", _TIME, nullable=False),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("ods_id", sa.Unicode(36)),
    sa.Column("enrollment_id", sa.BigInteger),
    sa.Column("cause", sa.Unicode(60), nullable=False),
    sa.Column("list_id", sa.Unicode(80)),
    sa.Index("edfi_cte_deletion_time", "target_id", "deleted_at"),
)

# Which target alone sends to an address for an education organization. The address's digest is what is unique: the
# text is too long for an index.
address_claim = sa.Table(
    "edfi_cte_address_claim",
    metadata,
    sa.Column("target_id", sa.Unicode(40), primary_key=True),
    sa.Column("address_id", _DIGEST, nullable=False),
    sa.Column("education_organization_id", sa.BigInteger, nullable=False),
    sa.Column("address", sa.Unicode(1000), nullable=False),
    sa.Column("claimed_at", _TIME, nullable=False),
    sa.Index("edfi_cte_address_claim_one", "address_id", "education_organization_id", unique=True),
)

# What the ODS holds otherwise than it was sent, by property: JSON text, property name to a digest of the value there.
difference = sa.Table(
    "edfi_cte_difference",
    metadata,
    _target_id(),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("properties", sa.UnicodeText, nullable=False),
    sa.Column("remembered", sa.Boolean, nullable=False),
    sa.Column("seen_at", _TIME, nullable=False),
    sa.Column("since", _TIME, nullable=False),
    sa.PrimaryKeyConstraint("target_id", "key_id", name="edfi_cte_difference_pk"),
)


def upgrade() -> None:
    """An ODS that has our mappings is known, and its address is its target's."""
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    op.add_column("edfi_cte_target", sa.Column("known_since", _TIME))
    op.add_column("edfi_cte_event", sa.Column("list_id", sa.Unicode(80)))
    rows = connection.execute(
        sa.text(
            "SELECT target_id, education_organization_id, data_url FROM edfi_cte_target "
            "WHERE data_url IS NOT NULL AND target_id IN (SELECT target_id FROM edfi_cte_identity_mapping)"
        )
    ).all()
    now, taken = datetime.now(UTC).replace(tzinfo=None), set()
    for row in rows:
        connection.execute(
            sa.text("UPDATE edfi_cte_target SET known_since = :now WHERE target_id = :target_id").bindparams(
                sa.bindparam("now", now, type_=_TIME), target_id=row.target_id
            )
        )
        address = row.data_url.rstrip("/").lower()
        if (address, row.education_organization_id) not in taken:
            taken.add((address, row.education_organization_id))
            connection.execute(
                sa.insert(address_claim).values(
                    target_id=row.target_id,
                    address_id=hashlib.blake2b(address.encode(), digest_size=16).hexdigest(),
                    education_organization_id=row.education_organization_id,
                    address=row.data_url,
                    claimed_at=now,
                )
            )
