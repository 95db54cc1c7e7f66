"""Where the package meets the Airflow it is deployed on: its settings file, its connections, its lanes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from airflow.configuration import conf
from airflow.providers.common.compat.sdk import AirflowException, BaseHook

from edfi_cte.campus import CampusReader
from edfi_cte.errors import EdfiCteError
from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.ledger.database import LedgerError, ledger_url, open_ledger
from edfi_cte.ledger.limits import Limits
from edfi_cte.ledger.tokens import LedgerTokenStore
from edfi_cte.ods import EdFiClient
from edfi_cte.settings import (
    DagSettings,
    Settings,
    Target,
    count_targets,
    find_settings,
    load_dag_settings,
    load_settings,
)
from edfi_cte.sync.batch import lanes_per_task
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.toggle import ToggleWatch


class ConnectionMissing(EdfiCteError):
    """The settings name a connection that Airflow does not know."""


def settings_path(beside: Path | None = None) -> Path:
    """``[edfi_cte] settings_file`` of the Airflow configuration, else ``include/edfi_cte.yaml`` beside the DAG.

    Raises SettingsError.
    """
    configured = conf.get("edfi_cte", "settings_file", fallback=None)
    return find_settings(configured, beside, Path(conf.get("core", "dags_folder")))


def current_settings(beside: Path | None = None) -> Settings:
    """The deployment's settings; ``beside`` is the DAG's file, where there is one. Raises SettingsError."""
    return load_settings(settings_path(beside))


def dag_settings(beside: Path | None = None) -> DagSettings:
    """What the settings say of the DAG, whatever else is wrong with them. Raises SettingsError."""
    return load_dag_settings(settings_path(beside))


def lanes_a_task(beside: Path | None = None) -> int:
    """How many lanes each task takes: ``dag.lanes_per_task``, or what their number needs. As dag_settings."""
    return lanes_per_task(dag_settings(beside).lanes_per_task, count_targets(settings_path(beside)))


def open_lane(target_id: str, run_id: str, options: RunOptions, beside: Path | None = None) -> Lane:
    """The lane of one target in one run. Raises SettingsError, ConnectionMissing, LedgerError."""
    path = settings_path(beside)
    settings = load_settings(path)
    target = settings.target(target_id)
    ledger = ledger_of(settings)
    return Lane(
        settings=settings,
        target=target,
        ledger=ledger,
        run_id=run_id,
        options=options,
        open_campus=lambda: campus_of(settings, target),
        open_ods=lambda: _ods(target, ledger),
        watch=ToggleWatch(path, load_settings, target_id),
        tokens_shared=token_store(ledger) is not None,
    )


def ledger_of(settings: Settings) -> sa.Engine:
    """The ledger that the settings name, opened once a process. Raises ConnectionMissing, LedgerError."""
    connection = airflow_connection(settings.ledger_conn_id)
    url, options = ledger_url(connection), connection.extra_dejson
    # By process: a child must not speak on its parent's connections.
    limits = Limits(**settings.limits.model_dump())
    key = (os.getpid(), url.render_as_string(hide_password=False), repr((options, limits)))
    try:
        if key not in _ledgers:
            _ledgers[key] = open_ledger(url, options, limits)
        return _ledgers[key]
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"connection '{connection.conn_id}': a ledger of type '{connection.conn_type}' needs the Python package "
            f"'{error.name}', which is not installed here; for PostgreSQL, install apache-airflow-providers-postgres"
        ) from None


_ledgers: dict[tuple[int, str, str], sa.Engine] = {}


def campus_of(settings: Settings, target: Target) -> CampusReader:
    """The reader of a target's Campus. Raises ConnectionMissing."""
    hook = airflow_connection(target.campus_conn_id).get_hook(hook_params={"log_sql": False})
    _limit(hook, target.campus_timeout_seconds)
    return CampusReader(
        hook,
        district_number=target.district_number,
        sql_dir=settings.sql_dir,
        student_id=target.student_id,
        isolation=target.campus_isolation,
        timeout_seconds=target.campus_timeout_seconds,
        exclude_also=target.exclude_also,
        parts=target.campus_mapping.model_dump(),
        on_read=_lineage(hook),
    )


_LATER = 5
"""Seconds."""


def _limit(hook: Any, seconds: int) -> None:
    """Have pymssql itself end a read that takes too long, and the server with it; it has no limit by default.

    A little later than ours: while it connects, it does not say that its own limit is the reason.
    """
    if hook.conn_type == "mssql" and "timeout" not in (extra := hook.connection.extra_dejson):
        hook.connection.extra = json.dumps({**extra, "timeout": seconds + _LATER})


def _lineage(hook: Any) -> Callable[[str, int], None] | None:
    """Tells Airflow's lineage (OpenLineage, where its provider is installed) of each statement: names, no values."""
    try:
        from airflow.providers.common.sql.hooks.lineage import send_sql_hook_lineage
    except ImportError:
        return None
    return lambda sql, rows: send_sql_hook_lineage(context=hook, sql=sql, row_count=rows)


def _ods(target: Target, ledger: sa.Engine) -> EdFiClient:
    airflow_connection(target.edfi_conn_id)
    return EdFiHook(target.edfi_conn_id, token_store=token_store(ledger)).client()


def token_store(ledger: sa.Engine) -> LedgerTokenStore | None:
    """Where tokens are shared, or ``None`` if Airflow has no Fernet key: a token is never kept in plain text."""
    keys = [key.strip() for key in (conf.get("core", "fernet_key", fallback="") or "").split(",") if key.strip()]
    return LedgerTokenStore(ledger, keys) if keys else None


def airflow_connection(conn_id: str) -> Any:
    """An Airflow connection. Raises ConnectionMissing."""
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowException:
        if (variable := f"AIRFLOW_CONN_{conn_id.upper()}") in os.environ:
            # Airflow logs that and goes on, as if it were not there.
            raise ConnectionMissing(
                f"{variable} is set, but Airflow can't read it as a connection. Write JSON, such as "
                '{"conn_type": "…", "host": "…"}, or a URI whose parts are percent-encoded.'
            ) from None
        raise ConnectionMissing(
            f"the Airflow connection '{conn_id}' is not defined. Add it under Admin > Connections, with "
            f"'airflow connections add {conn_id} …', or as {variable}."
        ) from None
