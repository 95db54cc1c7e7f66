"""The nearest of the names that are known, for whoever mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(written: object, known: Iterable[object]) -> str:
    """`` Did you mean 'dry_run'?`` with its leading blank, or nothing where no known name is near."""
    names = {_plain(str(name)): str(name) for name in known}
    near = get_close_matches(_plain(str(written)), list(names), n=1, cutoff=0.6)
    return f" Did you mean '{names[near[0]]}'?" if near else ""


def _plain(name: str) -> str:
    """dryrun, dry-run and Dry_Run are one word to whoever types them."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
