"""``edfi-cte``: look into the sync from the shell, with the connections and settings of the Airflow beside it.

A module a command; each has ``add(commands)`` for its arguments and a function that returns the exit code.
"""

from edfi_cte.cli.command import main

__all__ = ["main"]
