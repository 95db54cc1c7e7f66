"""The one file that Airflow runs when the package lies in the plugins folder.

It hands over the plugin, unless ``edfi-cte`` is also installed: the entry point of an installed copy
does that already, and Airflow warns of the same plugin twice.
"""

from importlib.metadata import distributions
from pathlib import Path

_PLUGINS_FOLDER = Path(__file__).resolve().parents[1]


def _installed_elsewhere() -> bool:
    """True if there is a distribution other than one put into this folder (pip install --target)."""
    return any(
        Path(str(found.locate_file(""))).resolve() != _PLUGINS_FOLDER for found in distributions(name="edfi-cte")
    )


if not _installed_elsewhere():
    from edfi_cte.plugin import EdFiCtePlugin  # noqa: F401 (found here by Airflow)
