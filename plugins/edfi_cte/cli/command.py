"""The command: its arguments, and what is common to all that it does."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from edfi_cte.cli import check, plan, why
from edfi_cte.cli.output import console
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import faults_explained

COMMANDS = (check, plan, why)
"""In the order in which a new user needs them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Exit code: 0 fine, 1 something is wrong (said in a sentence), 2 misused."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        with _quiet(), faults_explained():
            return command(options)
    except EdfiCteError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1


@contextmanager
def _quiet() -> Iterator[None]:
    """What the hooks say of each connection is for task logs. From 3.2 on Airflow logs by structlog."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(wrapper_class=before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edfi-cte", description="Look into the sync from the shell.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser
