"""The nearest of the known names, for whoever mistyped one."""

import pytest

from edfi_cte.suggestions import did_you_mean

KNOWN = ("dry_run", "scope_year", "approve", 2026)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("dryrun", "dry_run"),
        ("Dry-Run", "dry_run"),
        ("scopeYaer", "scope_year"),
        (2025, "2026"),
        ("aprove", "approve"),
        ("apxyz", None),
        ("", None),
        ("---", None),
    ],
)
def test_the_nearest_name_is_said_as_it_is_written_where_it_is_known(written: object, said: str | None) -> None:
    assert did_you_mean(written, KNOWN) == (f" Did you mean '{said}'?" if said else "")


def test_where_nothing_is_known_nothing_is_near() -> None:
    assert did_you_mean("dry_run", ()) == ""
