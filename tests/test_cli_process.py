"""What a command does to the process that it runs in."""

import logging
import os
import warnings
from typing import Any

import pytest
import structlog

from edfi_cte.errors import EdfiCteError


@pytest.mark.parametrize("before", [None, "client"])
def test_a_command_is_as_airflow_itself_and_quiet_and_leaves_the_process_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], before: str | None
):
    name = "_AIRFLOW_PROCESS_CONTEXT"
    monkeypatch.delenv(name, raising=False)
    if before:
        monkeypatch.setenv(name, before)
    seen: list[Any] = []

    def asked() -> Any:
        warnings.warn("of a library", stacklevel=1)
        structlog.get_logger().warning("of a hook")
        seen.extend([os.environ[name], logging.getLogger().isEnabledFor(logging.WARNING)])
        raise EdfiCteError("no [b]bold[/b] word")

    from edfi_cte.cli import main, why

    monkeypatch.setattr(why, "current_settings", asked)
    wrapper = structlog.get_config()["wrapper_class"]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert main(["why", "1", "--scope-year", "2026"]) == 1
    assert (seen, warned) == (["server", False], [])
    assert capsys.readouterr() == ("no [b]bold[/b] word\n", "")
    assert structlog.get_config()["wrapper_class"] is wrapper
    assert (os.environ.get(name), logging.root.manager.disable) == (before, logging.NOTSET)
