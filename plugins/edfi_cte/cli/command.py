"""The command: its arguments, and what is common to all that it does."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

import airflow  # noqa: F401 - its start sets up structlog, which is turned down here
import structlog

import edfi_cte
from edfi_cte.cli.output import console, print_json
from edfi_cte.errors import EdfiCteError

COMMANDS = ("init", "check", "plan", "why", "lists", "forget")
"""The modules, in the order in which a new user needs them."""
INTERRUPTED = 130
"""As a shell counts: 128 and SIGINT."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code is as :func:`edfi_cte.cli.main` says."""
    options = argparse.Namespace()
    try:
        with _as_airflow_itself(), _quiet():
            _parse(sys.argv[1:] if arguments is None else arguments, options)
            command: Callable[[argparse.Namespace], int] = options.command
            from edfi_cte.ledger.database import faults_explained

            with faults_explained():
                return command(options)
    except EdfiCteError as error:
        if getattr(options, "json", False):
            print_json({"error": str(error)})
        else:
            console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped")
        return INTERRUPTED


@contextmanager
def _as_airflow_itself() -> Iterator[None]:
    """Connections made in the UI are in Airflow's database, where a command of Airflow's own looks and a task asks.

    The variable is what Airflow 3 sets in its own processes; without it, a process is taken for a task's.
    """
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        os.environ.pop(_CONTEXT)
        if before is not None:
            os.environ[_CONTEXT] = before


_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


@contextmanager
def _quiet() -> Iterator[None]:
    """What the hooks say of each connection is for task logs. From 3.2 on Airflow logs by structlog."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        structlog.configure(wrapper_class=before)


def _parse(arguments: Sequence[str], options: argparse.Namespace) -> None:
    parser = _parser()
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        # Such bytes come as halves of characters (PEP 383), which no database takes.
        parser.error("an argument has bytes that are no UTF-8 text")
    parser.parse_args(arguments, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edfi-cte", description="Set up, check, plan and explain the sync from the shell."
    )
    parser.add_argument("--version", action="version", version=f"edfi-cte {edfi_cte.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        # Late, so that what the imports log is turned down.
        import_module(f"edfi_cte.cli.{name}").add(commands)
    return parser
