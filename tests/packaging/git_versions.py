"""Run in a deployment: what the DAG is at each version of a Git bundle, as a task finds it.

Arguments: the bundle's name, then versions (``-``: the newest). Prints a JSON list of [schedule, targets].
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag

DAG = "student_cte_program_associations"


def at(name: str, version: str | None) -> list[Any]:
    """As Airflow's task runner gets at the DAG of a run."""
    bundle = DagBundlesManager().get_bundle(name=name, version=version)
    bundle.initialize()
    bag = BundleDagBag(str(bundle.path / f"{DAG}.py"), safe_mode=False, bundle_path=bundle.path, bundle_name=name)
    if bag.import_errors:
        return [None, list(bag.import_errors.values())]
    dag = bag.dags[DAG]
    params = {key: param.value if hasattr(param, "value") else param for key, param in dag.params.items()}
    return [dag.schedule, dag.get_task("configured_targets").execute({"params": params})]


print(json.dumps([at(sys.argv[1], None if version == "-" else version) for version in sys.argv[2:]]))
