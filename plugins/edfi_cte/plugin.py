"""What Airflow's plugin manager is told about this package."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)


class EdFiCtePlugin(AirflowPlugin):
    """Shows the package in Admin > Plugins, and its pages under Browse, on each DAG and on each run.

    The pages are imported when the API server asks for them: no worker needs a web framework.
    """

    name = "edfi_cte"

    @cached_property
    def listeners(self) -> list[Any]:  # type: ignore[override]
        """What writes a run's note when it ends."""
        from edfi_cte import run_note

        return [run_note]

    # Airflow declares lists; it reads them of an instance, several times.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages; none where they can't be guarded as they should be."""
        try:
            from edfi_cte.ui.app import make_app

            return [{"app": make_app(), "url_prefix": "/edfi-cte", "name": "edfi-cte"}]
        except Exception:  # Airflow's API server must start whatever is wrong with these pages.
            log.exception("the pages of edfi-cte are left out: they could not be built")
            return []

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Where Airflow's UI shows the pages. Addresses are relative to Airflow's own base; an icon's is not."""
        base = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
        icons = {
            "icon": f"{base}/edfi-cte/static/icon.svg",
            "icon_dark_mode": f"{base}/edfi-cte/static/icon-dark.svg",
        }
        return [
            {
                "name": "Ed-Fi CTE",
                "href": "edfi-cte/",
                "destination": "nav",
                "category": "browse",
                "url_route": "edfi-cte",
                **icons,
            },
            {
                "name": "Ed-Fi",
                "href": "edfi-cte/?dag_id={DAG_ID}",
                "destination": "dag",
                "url_route": "edfi-cte-dag",
                **icons,
            },
            {
                "name": "Ed-Fi",
                "href": "edfi-cte/dag-run?dag_id={DAG_ID}&run_id={RUN_ID}",
                "destination": "dag_run",
                "url_route": "edfi-cte-run",
                **icons,
            },
        ]
