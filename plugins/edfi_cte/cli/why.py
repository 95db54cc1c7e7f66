"""``edfi-cte why``: what happened to this record?"""

from __future__ import annotations

import argparse
from typing import Any

from edfi_cte.cli.output import console
from edfi_cte.cli.targets import add_target_arguments, chosen_targets
from edfi_cte.deployment import current_settings, ledger_of
from edfi_cte.sync import explain


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("why", help="what happened to a record, and why")
    command.set_defaults(command=why)
    command.add_argument("id", help="a Campus enrollmentID, or the id of an association in the ODS")
    add_target_arguments(command, year_required=True)


def why(options: argparse.Namespace) -> int:
    ledger = ledger_of(current_settings())
    told = False
    for target in chosen_targets(options):
        with ledger.connect() as connection:
            lines = explain.why(connection, target.target_id, options.id)
        if lines:
            told = True
            console.print("\n".join([target.target_id, *lines]), markup=False, highlight=False)
    if not told:
        console.print(
            f"the ledger knows nothing of '{options.id}' in scope year {options.scope_year}: it was never a "
            "candidate (no career-technical value, another district or year), or it is older than the retention",
            markup=False,
            highlight=False,
        )
    return 0 if told else 1
