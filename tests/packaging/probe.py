"""Run by the tests inside a deployment: prints what Airflow finds there of this package, as one line of JSON."""

import contextlib
import io
import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def airflow(*arguments: str) -> list[dict[str, object]]:
    """An ``airflow`` command that lists something, run in this process (a new one costs seconds)."""
    from airflow.cli import cli_parser

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command = cli_parser.get_parser().parse_args([*arguments, "--output", "json"])
        command.func(command)
    # Where there is nothing to list, the command says so in words.
    return list(json.loads(printed.getvalue())) if printed.getvalue().startswith("[") else []


def plugin_errors() -> dict[str, str]:
    """What kept a plugin from loading, by its source."""
    from airflow import plugins_manager

    if hasattr(plugins_manager, "get_import_errors"):  # Airflow 3.2+
        return plugins_manager.get_import_errors()
    return dict(plugins_manager.import_errors)  # type: ignore[attr-defined]


def dag_bag() -> Any:
    """The deployment's DAGs."""
    module = "airflow.dag_processing.dagbag"
    if find_spec(module) is None:
        module = "airflow.models.dagbag"  # Airflow 3.1
    return import_module(module).DagBag(os.environ["AIRFLOW_HOME"] + "/dags")


def run_as_single_files() -> list[str]:
    """The modules that Python holds under a name of their file alone."""
    return sorted(
        name
        for name, module in sys.modules.items()
        if "edfi_cte" in Path(getattr(module, "__file__", None) or "").parts and not name.startswith("edfi_cte")
    )


def main() -> None:
    """Look at everything that an administrator would."""
    from airflow import plugins_manager
    from airflow.providers_manager import ProvidersManager

    # Loaded here first, because the commands below silence what loading has to say.
    plugins_manager.ensure_plugins_loaded()
    ProvidersManager().initialize_providers_hooks()  # type: ignore[no-untyped-call]
    plugins = airflow("plugins")
    hooks = airflow("providers", "hooks")
    errors = plugin_errors()
    dags = dag_bag()

    import edfi_cte
    from edfi_cte.campus.templates import shipped_sql_dir

    print(
        json.dumps(
            {
                "plugins": plugins,
                "plugin_errors": errors,
                "hooks": hooks,
                "dags": sorted(dags.dags),
                "dag_errors": dags.import_errors,
                "dags_with_deadline": sorted(name for name, dag in dags.dags.items() if dag.deadline),
                "run_as_single_files": run_as_single_files(),
                "package": edfi_cte.__path__[0],
                "sql": str(shipped_sql_dir()),
            }
        )
    )


if __name__ == "__main__":
    main()
