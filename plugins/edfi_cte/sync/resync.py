"""The resync: one pass over the ODS's own records, and the clean-ups that make mapping, ODS and Campus agree.

Page: Resync Logic. A mapping whose record is gone from the ODS goes, and the record is posted again if it is wanted;
a record of ours that nothing wants is deleted, if that is earned (:mod:`edfi_cte.associations.decide`); and, beyond
the page, a record edited in the ODS is put right.
"""

from __future__ import annotations

from typing import Any

from edfi_cte.ledger import runs, settling
from edfi_cte.ods import EdFiError, loop
from edfi_cte.sync.changes import BY_CHANGE, keep_if_clean
from edfi_cte.sync.lane import Lane, StepFailed, StepSkipped
from edfi_cte.sync.lasting import look_again
from edfi_cte.sync.reading import CLEAN_STEP, READ_STEP, Reading
from edfi_cte.sync.send import send_step


def resync_identity_mapping(lane: Lane) -> dict[str, Any]:
    """Read the ODS once, or what has changed there; drop mappings whose record is gone, and post what is wanted anew.

    What the next step has to delete or put right is queued for it. Counts: in_ods, not_in_ods, out_of_reach, edited,
    no_source, and those of sending. Raises StepFailed if the ODS's answers do not add up: then nothing is dropped.
    """
    _refuse_skipped(lane)
    # What an interrupted try has dropped and not posted again comes first, or the pass would not know of it.
    send_step(lane, READ_STEP)
    reading = Reading(lane)
    try:
        loop.run(reading.run(lane.open_ods()))
    except EdFiError as error:
        raise StepFailed(f"{lane.target_id}: reading the ODS failed: {error}", transient=True) from error
    if reading.findings.read["read"] != BY_CHANGE:
        with lane.writing() as connection:
            settling.settle_by_reading(connection, lane.target_id, lane.run_id)
    return reading.findings.counts() | send_step(lane, READ_STEP)


def resync_ods(lane: Lane) -> dict[str, Any]:
    """Delete the records of ours that nothing wants, and put right what was edited in the ODS.

    What a Put leaves as it was is remembered, and told by property. Counts: those of sending, and
    lasting_differences.
    """
    _refuse_skipped(lane)
    counts = send_step(lane, CLEAN_STEP)
    differences = look_again(lane)
    with lane.ledger.connect() as connection:
        left = runs.steps_of(connection, lane.target_id, lane.run_id)
    keep_if_clean(lane, left.get(READ_STEP, {}).get(READ_STEP, {}))
    return counts | {"lasting_differences": differences}


def _refuse_skipped(lane: Lane) -> None:
    if not lane.options.resync:
        raise StepSkipped("the run was triggered with resync off")
