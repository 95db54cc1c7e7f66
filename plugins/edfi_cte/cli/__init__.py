"""``edfi-cte``: look into the sync from the shell, with the connections and settings of the Airflow beside it.

A module a command; each has ``add(commands)`` for its arguments and a function that returns the exit code.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Exit code: 0 fine, 1 something is wrong (said in a sentence), 2 misused, 130 interrupted."""
    logging.disable(logging.WARNING)
    try:
        # Late, since Airflow logs what it imports.
        from edfi_cte.cli.command import run

        return run(arguments)
    finally:
        logging.disable(logging.NOTSET)
