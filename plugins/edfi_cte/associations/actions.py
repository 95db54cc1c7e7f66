"""What an event does, and what brings one about: the words of the queue, the reports and the pages."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What an event does in the ODS (page: the action column of the triggering logic)."""

    POST = "Post"
    PUT = "Put"
    DELETE = "Delete"
    DELETE_POST = "Delete/Post"

    @property
    def deletes(self) -> bool:
        """Whether a DELETE request is part of it."""
        return self in (Action.DELETE, Action.DELETE_POST)


class Cause(StrEnum):
    """What brought an event about. A Delete may also bear the name of an exclusion rule or rejection reason."""

    NEW_RECORD = "new_record"
    STUDENT_ID_CHANGED = "student_id_changed"
    START_DATE_CHANGED = "start_date_changed"
    CTE_PROGRAM_TYPE_CHANGED = "cte_program_type_changed"
    CAREER_CLUSTER_CHANGED = "career_cluster_changed"
    VALUE_CHANGED = "value_changed"
    SOURCE_CHANGED = "source_enrollment_changed"
    PREFERENCES_CHANGED = "preferences_changed"
    ENROLLMENT_DELETED = "enrollment_deleted"
    SUPERSEDED = "superseded_by_other_enrollment"
    ANSWER_LOST = "answer_lost"
    NOT_IN_ODS = "not_in_ods"
    EDITED_IN_ODS = "edited_in_ods"
    NO_SOURCE = "no_source"
    PUT_BACK = "put_back"
