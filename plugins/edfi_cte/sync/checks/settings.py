"""The settings: the target's resource preferences."""

from __future__ import annotations

from collections.abc import Iterator

from edfi_cte.settings import UNLISTED_CAREER_CLUSTERS, SettingsError
from edfi_cte.sync.checks.findings import Finding, error, ok, warning
from edfi_cte.sync.lane import Lane


def check_settings(lane: Lane) -> Iterator[Finding]:
    """The target's resource preferences."""
    try:
        preferences = lane.preferences
    except SettingsError as fault:
        yield error("settings", str(fault))
        return
    yield ok("settings", f"preferences '{lane.target.preferences}' are valid")
    defaults = UNLISTED_CAREER_CLUSTERS - preferences.career_cluster.mapping.keys()
    if defaults:
        yield ok(
            "settings",
            f"Career Cluster {', '.join(sorted(defaults))} is sent by a default that the published list lacks; "
            "confirm it with the state, or map it",
        )


def check_tokens(lane: Lane) -> Iterator[Finding]:
    """Whether the processes of a run can share a token. Source of the number: ODS/API 7.3, tokens a key."""
    if not lane.tokens_shared:
        yield warning(
            "token",
            "Airflow has no Fernet key, so no token is kept in the ledger: each task that sends takes one of its "
            "own, and an ODS allows a key 15 at a time, other programs' included. Set [core] fernet_key, the same on "
            "every worker.",
        )
