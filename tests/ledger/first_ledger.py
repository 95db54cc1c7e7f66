"""The ledger as its first version made it (revision 0001): what an upgrade has to start from. It never changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

metadata = sa.MetaData()

_DIGEST = sa.Unicode(32)
_TIME = sa.DateTime().with_variant(mssql.DATETIME2(6), "mssql")  # type: ignore[no-untyped-call]
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _target_id() -> sa.Column[str]:
    return sa.Column("target_id", sa.Unicode(40), nullable=False)


def _text(name: str, **options: Any) -> sa.Column[str]:
    """Campus's text, of whatever is in it: include/sql/clean.sql cuts it to this length."""
    return sa.Column(name, sa.Unicode(200), **options)


target = sa.Table(
    "edfi_cte_target",
    metadata,
    sa.Column("target_id", sa.Unicode(40), primary_key=True),
    sa.Column("edfi_conn_id", sa.Unicode(200), nullable=False),
    sa.Column("scope_year", sa.Integer, nullable=False),
    sa.Column("education_organization_id", sa.BigInteger, nullable=False),
    sa.Column("data_standard", sa.Unicode(20)),
    sa.Column("data_url", sa.Unicode(1000)),
    sa.Column("transformed_with", _DIGEST),
    sa.Column("lease_owner", sa.Unicode(250)),
    sa.Column("lease_expires_at", _TIME),
)

step = sa.Table(
    "edfi_cte_step",
    metadata,
    _target_id(),
    sa.Column("step", sa.Unicode(60), nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("target_id", "step", name="edfi_cte_step_pk"),
)

run = sa.Table(
    "edfi_cte_run",
    metadata,
    _target_id(),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.Column("started_at", _TIME, nullable=False),
    sa.Column("finished_at", _TIME),
    sa.Column("status", sa.Unicode(20), nullable=False),
    sa.Column("parameters", sa.UnicodeText, nullable=False),
    sa.Column("settings_digest", _DIGEST),
    sa.Column("counts", sa.UnicodeText, nullable=False),
    sa.Column("message", sa.UnicodeText),
    sa.PrimaryKeyConstraint("target_id", "run_id", name="edfi_cte_run_pk"),
)

enrollment_record = sa.Table(
    "edfi_cte_enrollment_record",
    metadata,
    _target_id(),
    sa.Column("enrollment_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("source_hash", _DIGEST, nullable=False),
    _text("student_unique_id"),
    sa.Column("start_date", sa.Date),
    sa.Column("end_date", sa.Date),
    _text("service_type"),
    _text("cte_program_type"),
    _text("cte_program_type_name"),
    _text("career_cluster"),
    _text("career_pathway"),
    _text("student_status"),
    _text("certification_status"),
    sa.Column("excluded_by", sa.Unicode(60)),
    sa.PrimaryKeyConstraint("target_id", "enrollment_id", name="edfi_cte_enrollment_record_pk"),
    # Kept in the order of its key, as SQL Server does: each run reads it in that order.
    sqlite_with_rowid=False,
)

record_outcome = sa.Table(
    "edfi_cte_record_outcome",
    metadata,
    _target_id(),
    sa.Column("enrollment_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("outcome", sa.Unicode(20), nullable=False),
    sa.Column("reason", sa.Unicode(60)),
    _text("detail"),
    sa.Column("transformed_with", _DIGEST, nullable=False),
    sa.Column("key_id", _DIGEST),
    sa.Column("key_exact", _DIGEST),
    sa.Column("payload_hash", _DIGEST),
    sa.Column("content_hash", _DIGEST),
    _text("student_unique_id"),
    sa.Column("begin_date", sa.Unicode(10)),
    _text("cte_program_type"),
    _text("career_cluster"),
    sa.Column("program_name", sa.Unicode(60)),
    sa.Column("body", sa.UnicodeText),
    sa.PrimaryKeyConstraint("target_id", "enrollment_id", name="edfi_cte_record_outcome_pk"),
    # Covers what the plan compares, so that an unchanged year is compared without reading its rows.
    sa.Index("edfi_cte_record_outcome_key", "target_id", "outcome", "key_id", "payload_hash", "enrollment_id"),
)

identity_mapping = sa.Table(
    "edfi_cte_identity_mapping",
    metadata,
    _target_id(),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("key_exact", _DIGEST, nullable=False),
    sa.Column("ods_id", sa.Unicode(36), nullable=False),
    sa.Column("enrollment_id", sa.BigInteger, nullable=False),
    sa.Column("payload_hash", _DIGEST, nullable=False),
    sa.Column("content_hash", _DIGEST, nullable=False),
    sa.Column("transformed_with", _DIGEST, nullable=False),
    _text("student_unique_id", nullable=False),
    sa.Column("begin_date", sa.Unicode(10), nullable=False),
    _text("cte_program_type", nullable=False),
    _text("career_cluster", nullable=False),
    sa.Column("sent_at", _TIME, nullable=False),
    sa.PrimaryKeyConstraint("target_id", "key_id", name="edfi_cte_identity_mapping_pk"),
    sa.Index("edfi_cte_identity_mapping_enrollment", "target_id", "enrollment_id"),
    sa.Index("edfi_cte_identity_mapping_ods", "ods_id"),
    # Kept in the order of its key, as SQL Server does: the plan reads it in that order.
    sqlite_with_rowid=False,
)

event = sa.Table(
    "edfi_cte_event",
    metadata,
    sa.Column("event_id", _BIG, primary_key=True, autoincrement=True),
    _target_id(),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.Column("step", sa.Unicode(40), nullable=False),
    sa.Column("action", sa.Unicode(12), nullable=False),
    sa.Column("cause", sa.Unicode(60), nullable=False),
    sa.Column("enrollment_id", sa.BigInteger),
    sa.Column("key_id", _DIGEST, nullable=False),
    sa.Column("key_exact", _DIGEST),
    sa.Column("old_key_id", _DIGEST),
    sa.Column("ods_id", sa.Unicode(36)),
    _text("student_unique_id"),
    sa.Column("begin_date", sa.Unicode(10)),
    sa.Column("program_name", sa.Unicode(60)),
    sa.Column("payload_hash", _DIGEST),
    sa.Column("content_hash", _DIGEST),
    sa.Column("transformed_with", _DIGEST),
    _text("cte_program_type"),
    _text("career_cluster"),
    sa.Column("body", sa.UnicodeText),
    sa.Column("status", sa.Unicode(12), nullable=False),
    sa.Column("in_doubt", sa.Boolean, nullable=False),
    sa.Column("old_in_doubt", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("http_status", sa.Integer),
    sa.Column("queued_at", _TIME, nullable=False),
    sa.Column("answered_at", _TIME),
    sa.Index("edfi_cte_event_queue", "target_id", "status", "step", "event_id"),
    sa.Index("edfi_cte_event_run", "target_id", "run_id"),
    sa.Index("edfi_cte_event_enrollment", "target_id", "enrollment_id"),
)

attempt = sa.Table(
    "edfi_cte_attempt",
    metadata,
    sa.Column("attempt_id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("http_status", sa.Integer),
    sa.Column("error_type", sa.Unicode(60), nullable=False),
    sa.Column("message", sa.UnicodeText, nullable=False),
    sa.Column("advice", sa.UnicodeText, nullable=False),
    sa.Column("correlation_id", sa.Unicode(100)),
    sa.Index("edfi_cte_attempt_event", "event_id"),
)

token = sa.Table(
    "edfi_cte_token",
    metadata,
    sa.Column("token_key", sa.Unicode(64), primary_key=True),
    sa.Column("encrypted", sa.Text, nullable=False),
    sa.Column("expires_at", _TIME, nullable=False),
)


def make(connection: sa.Connection) -> None:
    """A first ledger in an empty database."""
    metadata.create_all(connection, checkfirst=False)
    version = "version_num VARCHAR(32) NOT NULL, CONSTRAINT edfi_cte_version_pkc PRIMARY KEY (version_num)"
    connection.execute(sa.text(f"CREATE TABLE edfi_cte_version ({version})"))
    connection.execute(sa.text("INSERT INTO edfi_cte_version VALUES ('0001')"))
