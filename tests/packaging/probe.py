"""Run by the tests inside a deployment: prints what Airflow finds there of this package, as one line of JSON."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path


def airflow(*arguments: str) -> list[dict[str, object]]:
    """An ``airflow`` command that lists something, run in this process (a new one costs seconds)."""
    from airflow.cli import cli_parser

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command = cli_parser.get_parser().parse_args([*arguments, "--output", "json"])
        command.func(command)
    # Where there is nothing to list, the command says so in words.
    return list(json.loads(printed.getvalue())) if printed.getvalue().startswith("[") else []


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
    from airflow.dag_processing.dagbag import DagBag
    from airflow.providers_manager import ProvidersManager

    # Loaded here first, because the commands below silence what loading has to say.
    plugins_manager.ensure_plugins_loaded()
    ProvidersManager().initialize_providers_hooks()  # type: ignore[no-untyped-call]
    plugins = airflow("plugins")
    hooks = airflow("providers", "hooks")
    errors = plugins_manager.get_import_errors()
    dags = DagBag(os.environ["AIRFLOW_HOME"] + "/dags")

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
                "run_as_single_files": run_as_single_files(),
                "package": edfi_cte.__path__[0],
                "sql": str(shipped_sql_dir()),
            }
        )
    )


if __name__ == "__main__":
    main()
