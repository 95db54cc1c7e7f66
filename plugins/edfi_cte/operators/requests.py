"""What a run was triggered with, looked at before anything is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from edfi_cte.errors import EdfiCteError
from edfi_cte.suggestions import did_you_mean

BACKFILL = "backfill"


class WrongRequest(EdfiCteError):
    """The run was triggered with what this DAG has no use for; nothing was read or sent."""


def check_request(params: Mapping[str, Any], run: Any, known: Collection[str]) -> None:
    """Raises WrongRequest for what was asked of the run and would be left aside in silence.

    :param params: the run's, as Airflow gives them to a task
    :param run: the DAG run; its ``conf`` is what the run was triggered with
    :param known: the DAG's params by name
    """
    conf = getattr(run, "conf", None) or {}
    for name in dict.fromkeys([*conf, *params]):
        if name not in known:
            raise WrongRequest(
                f"the run was triggered with '{name}', which is no param of this DAG.{did_you_mean(name, known)} "
                f"Nothing was read or sent. Its params are: {', '.join(known)}."
            )
    for name, value in conf.items():
        if params[name] != value:
            raise WrongRequest(
                f"the run was triggered with {name}: {value!r}, but this Airflow gives tasks {params[name]!r}. "
                "Nothing was read or sent. Set [core] dag_run_conf_overrides_params to True."
            )


def is_backfill(run: Any) -> bool:
    """A backfill is a run for each of several days, side by side; Airflow 3.2 and later refuse it themselves."""
    return str(getattr(run, "run_type", "")).rpartition(".")[2].lower() == BACKFILL


BACKFILL_REFUSED = (
    "A backfill is skipped: what Campus said on a past day can't be read any more, and its runs would be of one "
    "target at once. Nothing was read or sent. Trigger one run instead; it brings the ODS to what Campus says now."
)
