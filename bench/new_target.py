"""Row 12: the plan of a new target in a large ledger on PostgreSQL that was never analyzed."""

from __future__ import annotations

import time
from statistics import median

import sqlalchemy as sa

from bench.ledger_writes import postgres_ledger
from bench.results import Row
from edfi_cte.ledger.differences import differences

OLD, NEW = 200_000, 300
ROUNDS = 3

_FILL = """
    INSERT INTO edfi_cte_record_outcome (target_id, enrollment_id, outcome, transformed_with, key_id, key_exact,
        payload_hash, content_hash, student_unique_id, begin_date, cte_program_type, career_cluster, program_name,
        body)
    SELECT :target_id, n, 'desired', md5('with'), md5(:target_id || n), md5(:target_id || n), md5('sent' || n),
        md5('content' || n), CAST(n AS text), '2025-08-20', '0410', '8', 'Health Sciences', repeat('x', 400)
    FROM generate_series(1, :rows) AS n
"""
_MAP = """
    INSERT INTO edfi_cte_identity_mapping (target_id, key_id, key_exact, ods_id, enrollment_id, payload_hash,
        content_hash, transformed_with, student_unique_id, begin_date, cte_program_type, career_cluster, sent_at)
    SELECT target_id, key_id, key_exact, md5('id' || key_id), enrollment_id, payload_hash, content_hash,
        transformed_with, student_unique_id, begin_date, cte_program_type, career_cluster, now()
    FROM edfi_cte_record_outcome WHERE target_id = :target_id
"""
_QUEUE = """
    INSERT INTO edfi_cte_event (target_id, run_id, step, action, cause, enrollment_id, key_id, status, in_doubt,
        old_in_doubt, attempts, queued_at)
    SELECT target_id, 'first', 'upsert', 'Post', 'new_record', enrollment_id, key_id, 'sent', false, false, 1, now()
    FROM edfi_cte_identity_mapping WHERE target_id = :target_id
"""


def row() -> Row:
    """Row 12."""
    with postgres_ledger() as ledger:
        with ledger.begin() as connection:
            for table in ("record_outcome", "identity_mapping", "event"):
                connection.execute(sa.text(f"ALTER TABLE edfi_cte_{table} SET (autovacuum_enabled = false)"))
            for statement in (_FILL, _MAP, _QUEUE):
                connection.execute(
                    sa.text(statement),
                    {"target_id": "old", "rows": OLD} if statement == _FILL else {"target_id": "old"},
                )
            connection.execute(sa.text(_FILL), {"target_id": "new", "rows": NEW})
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            found = len(list(differences(ledger, "new")))
            seconds.append(time.perf_counter() - started)
    took = median(seconds)
    return Row(
        12,
        f"plan for a new target of {NEW}, beside {OLD:,} of another, never analyzed, on PostgreSQL",
        "nothing: seconds",
        "at most 1 s",
        took,
        took <= 1 and found == NEW,
        {"plan s": took, "found": found},
        "A planner without statistics takes the table for one of a few rows; the plan reads each table by key.",
    )
