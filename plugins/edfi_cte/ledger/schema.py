"""The ledger's tables. A new ledger is made from them; an older one is migrated to them (make revision).

Keys are compared as hex digests, so that no database's collation (case, trailing blanks, accents) can take two
natural keys for one. Text is Unicode throughout: pymssql sends no other, and a SQL Server with a SQL collation reads
a whole index to find such a value in a VARCHAR column. Times are UTC. The ledger holds what an association carries,
and nothing else of a student.
"""

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
    # When the ODS of this address was first read to its end; before that, what it holds is a first contact's.
    sa.Column("known_since", _TIME),
)

lease = sa.Table(
    "edfi_cte_lease",
    metadata,
    sa.Column("target_id", sa.Unicode(40), primary_key=True),
    sa.Column("owner", _DIGEST, doc="The run that has the target, as a digest."),
    sa.Column("owner_name", sa.Unicode(600), doc="The same for people."),
    sa.Column("expires_at", _TIME, doc="Until when the run has the target, by the server's clock."),
    sa.Column("pass_owner", _DIGEST, doc="The run that the current pass is of, as a digest."),
    sa.Column("place", sa.Integer, nullable=False, doc="The place of the step that the pass has come to, from 0."),
    sa.Column("read_by", _DIGEST, doc="The run whose reading of Campus the ledger holds whole."),
    sa.Column("read_at", _TIME, doc="When that reading began, by the server's clock."),
    sa.Column("planned", sa.Boolean, nullable=False, doc="Whether the queue holds the plan of that reading, whole."),
    info={"doc": "Who works on a target, and how far the current pass has come: one row a target."},
)

hold = sa.Table(
    "edfi_cte_hold",
    metadata,
    _target_id(),
    sa.Column("part", sa.Unicode(60), nullable=False, doc="The step, with its part where several tasks share it."),
    sa.Column("step", sa.Unicode(40), nullable=False),
    sa.Column("token", sa.Unicode(32), nullable=False, doc="Which try it is."),
    sa.Column("expires_at", _TIME, nullable=False, doc="Until when it counts as alive, by the server's clock."),
    sa.PrimaryKeyConstraint("target_id", "part", name="edfi_cte_hold_pk"),
    info={"doc": "The tries that are at work on a step just now: one row each."},
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
    sa.Column("message", sa.UnicodeText),
    sa.Column("owner", _DIGEST, doc="Its Airflow, DAG and run id, as a digest."),
    sa.Column("dag_id", sa.Unicode(250)),
    sa.PrimaryKeyConstraint("target_id", "run_id", name="edfi_cte_run_pk"),
    sa.Index("edfi_cte_run_started", "target_id", "started_at"),
)

run_step = sa.Table(
    "edfi_cte_run_step",
    metadata,
    _target_id(),
    sa.Column("run_id", sa.Unicode(250), nullable=False),
    sa.Column("part", sa.Unicode(60), nullable=False, doc="The step, with its part where several tasks share it."),
    sa.Column("step", sa.Unicode(40), nullable=False),
    sa.Column("began_at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME, nullable=False),
    sa.Column("task_id", sa.Unicode(250), doc="The Airflow task that did it."),
    sa.Column("map_index", sa.Integer, doc="Which one of a mapped task."),
    sa.Column("counts", sa.UnicodeText, nullable=False, doc="JSON: what it counted; or as fault why it failed."),
    sa.PrimaryKeyConstraint("target_id", "run_id", "part", name="edfi_cte_run_step_pk"),
    info={"doc": "What the steps of a run have left: one row each, written by the try that did it."},
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
    _text("school_number"),
    _text("school_name"),
    _text("calendar_name"),
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
    sa.Column(
        "since", _TIME, doc="Since when the record, as it is, is rejected for this reason; null for the others."
    ),
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
    # The approved list that lets a delete pass the guard; null for the others.
    sa.Column("list_id", sa.Unicode(80)),
    sa.Column("claimed_by", sa.Unicode(32), doc="The try that sends it just now."),
    sa.Column("old_body", sa.UnicodeText, doc="The document that it deletes, until the key is settled."),
    sa.Index("edfi_cte_event_queue", "target_id", "status", "step", "event_id"),
    sa.Index("edfi_cte_event_run", "target_id", "run_id"),
    sa.Index("edfi_cte_event_enrollment", "target_id", "enrollment_id"),
    sa.Index("edfi_cte_event_target", "target_id", "event_id"),
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
    sa.Index("edfi_cte_kept_record_state", "target_id", "state", "key_id"),
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

resync = sa.Table(
    "edfi_cte_resync",
    metadata,
    sa.Column("target_id", sa.Unicode(40), primary_key=True),
    sa.Column("data_url", sa.Unicode(1000), nullable=False),
    sa.Column("scope", _DIGEST, nullable=False),
    sa.Column("whole_at", _TIME, nullable=False),
    sa.Column("earlier_version", sa.BigInteger, nullable=False),
    sa.Column("newest_version", sa.BigInteger, nullable=False),
)
"""What a target's last clean resync has left: where it read, when it last read all, and the API's versions then."""

token = sa.Table(
    "edfi_cte_token",
    metadata,
    sa.Column("token_key", sa.Unicode(64), primary_key=True),
    sa.Column("encrypted", sa.Text, nullable=False),
    sa.Column("expires_at", _TIME, nullable=False),
)


def row_dict(row: sa.Row[Any]) -> dict[str, Any]:
    """A result row by column name."""
    return dict(row._mapping)
