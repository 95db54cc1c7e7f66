"""``edfi-cte forget``: remove what the ledger has of a target."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from edfi_cte.cli.output import console
from edfi_cte.deployment import current_settings, ledger_of
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import forgetting
from edfi_cte.suggestions import did_you_mean


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("forget", help="remove what the ledger has of a target; asks first")
    command.set_defaults(command=forget)
    command.add_argument("target", help="a target's name, such as 039141-2026")
    command.add_argument("--yes", action="store_true", help="do not ask")


def forget(options: argparse.Namespace) -> int:
    settings = current_settings()
    ledger = ledger_of(settings)
    target_id = options.target
    with ledger.connect() as connection:
        known = forgetting.known(connection)
        if target_id not in known:
            raise EdfiCteError(
                f"the ledger has nothing of '{target_id}'.{did_you_mean(target_id, known)} It knows: "
                f"{', '.join(known) or 'no target'}."
            )
        held = forgetting.holding(connection, target_id)
    configured = target_id in {target.target_id for target in settings.targets}
    _tell(target_id, held, configured=configured)
    if not options.yes and not _confirmed(target_id):
        console.print("Nothing was removed.")
        return 1
    forgetting.forget(ledger, target_id)
    console.print(f"{target_id} is forgotten.", markup=False, highlight=False)
    return 0


def _tell(target_id: str, held: forgetting.Holding, *, configured: bool) -> None:
    lines = [f"{target_id}: its last run began {held.last_run or 'never'}. Of it the ledger has:"]
    lines += [f"  {number:>9,}  {what}" for what, number in held.rows.items()] or ["  nothing but its name"]
    lines.append("All of it goes, with students' ids and history. Nothing changes in the ODS or in Campus.")
    if configured:
        lines.append(
            "The target is in the settings: its next run begins as on first contact. It adopts what it wants of the "
            "records in the ODS; the others there wait for a person."
        )
    console.print("\n".join(lines), markup=False, highlight=False)


def _confirmed(target_id: str) -> bool:
    if not sys.stdin.isatty():
        console.print("Not a terminal: to remove it, run again with --yes.")
        return False
    return console.input("Type the target's name to remove it: ").strip() == target_id
