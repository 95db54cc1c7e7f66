"""Where the settings file is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edfi_cte.settings.values import SettingsError

NAME = "edfi_cte.yaml"
LEVELS = 3
"""How far up from a DAG's file: its folder, the one above, and the bundle's root above that."""


def find_settings(configured: str | None, beside: Path | None, dags_folder: Path) -> Path:
    """The file that the configuration names, else the one beside the DAG. Raises SettingsError.

    ``beside`` is the DAG's file: in a Git bundle, that of the run's version, and so are then its settings. A
    configured path that is relative is looked for from there, too. A file beside the DAGs folder is found without it.
    """
    path = Path(os.path.expandvars(configured)).expanduser() if configured else None
    if path is not None and path.is_absolute():
        return path
    names = [path] if path is not None else [Path("include") / NAME, Path(NAME)]
    candidates = [folder / name for folder in _folders(beside, dags_folder) for name in names]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        looked = ", ".join(str(candidate) for candidate in candidates if candidate.name == names[0].name)
        raise SettingsError(
            "there is no settings file. Write include/edfi_cte.yaml beside the DAGs (edfi-cte "
            f"init writes one), or set AIRFLOW__EDFI_CTE__SETTINGS_FILE to its path. Looked for: {looked}"
        )
    return found


def _folders(beside: Path | None, dags_folder: Path) -> Iterator[Path]:
    seen = set()
    above_dag = list(beside.absolute().parents)[:LEVELS] if beside else []
    for folder in (*above_dag, dags_folder.parent, dags_folder):
        if folder not in seen:
            seen.add(folder)
            yield folder
