"""Which targets a command is for."""

from __future__ import annotations

import argparse
import re

from edfi_cte.deployment import current_settings
from edfi_cte.settings import Target


def add_target_arguments(command: argparse.ArgumentParser, *, year_required: bool) -> None:
    """``--scope-year`` and ``--district``."""
    command.add_argument(
        "--scope-year", type=scope_year, required=year_required, help="a school year by its ending year"
    )
    command.add_argument("--district", help="a district number, where several are configured")


def scope_year(text: str) -> int:
    """Digits as they are on a keyboard: int() takes those of every script, underscores and blanks."""
    if not re.fullmatch("[0-9]{4}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a year, such as 2026")
    return int(text)


def chosen_targets(options: argparse.Namespace) -> list[Target]:
    return current_settings().targets_of(options.scope_year, options.district)
