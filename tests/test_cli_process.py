"""What a command does to the process that it runs in."""

import logging
import os
import warnings
from types import SimpleNamespace
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["plan"], "the following arguments are required: --scope-year"),
        (["why", "1"], "the following arguments are required: --scope-year"),
        (["why", "--scope-year", "2026"], "the following arguments are required: id"),
        (["list", "--held"], "the following arguments are required: --scope-year"),
        (["list", "--scope-year", "2026"], "one of the arguments --rejected --excluded"),
        (["list", "--scope-year", "2026", "--held", "--waiting"], "not allowed with argument --held"),
        (["list", "--scope-year", "2026", "--held", "--csv", "--json"], "not allowed with argument --csv"),
        (["list", "--scope-year", "2026", "--rejected", "no_show"], "invalid choice: 'no_show'"),
        (["list", "--scope-year", "2026", "--events", "--status", "sended"], "invalid choice: 'sended'"),
        (["list", "--scope-year", "2026", "--rejected", "x"], "student_id_too_long"),
        (["why", "\udcff", "--scope-year", "2026"], "an argument has bytes that are no UTF-8 text"),
        (
            ["list", "--scope-year", "2026", "--events", "--run=\udc80"],
            "an argument has bytes that are no UTF-8 text",
        ),
        (["forget"], "the following arguments are required: target"),
        (["check", "--scope-year", "26"], "'26' is not a year, such as 2026"),
        (["init", "--scope-year", "\u0662\u0660\u0662\u0666"], "is not a year, such as 2026"),
    ],
)
def test_a_call_that_lacks_something_does_nothing_and_says_what(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    from edfi_cte.cli import main

    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert said in shown
    assert "<" not in shown, "Python's own names"


@pytest.mark.parametrize(
    ("airflow", "fits"),
    [("2.11.0", False), ("3.0.6", False), ("3.1.0", True), ("3.10.2rc1", True), ("4.0.0", False), ("4.1.0", False)],
)
def test_which_airflow_is_taken(monkeypatch: pytest.MonkeyPatch, airflow: str, fits: bool):
    from edfi_cte.cli import check
    from edfi_cte.sync.checks import Level

    monkeypatch.setattr(check, "airflow_version", airflow)
    found = check._versions()
    assert (found.level, found.subject) == (Level.OK if fits else Level.ERROR, "versions")
    assert f"on Airflow {airflow}, Python 3." in found.message
    assert ("Airflow 3.1 to 3.x is needed" in found.message) is not fits


@pytest.mark.parametrize(
    ("levels", "strict", "code"),
    [
        ([], True, 0),
        (["ok"], True, 0),
        (["ok", "warning"], False, 0),
        (["ok", "warning"], True, 4),
        (["warning", "would fail"], True, 3),
        (["warning", "would fail"], False, 0),
        (["warning", "would fail", "error"], True, 1),
        (["error"], False, 1),
    ],
)
def test_checks_exit_code_is_that_of_the_worst(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], levels: list[str], strict: bool, code: int
):
    """Of all targets together, whichever it is of."""
    from edfi_cte.cli import check, main
    from edfi_cte.sync.checks import Finding, Level

    found = {f"00000{n}-2026": [Finding(Level(level), "[b]a[/b]", "said")] for n, level in enumerate(levels)}
    monkeypatch.setattr(check, "chosen_targets", lambda _: [SimpleNamespace(target_id=name) for name in found])
    monkeypatch.setattr(check, "_checked", lambda target: found[target.target_id])
    assert main(["check", *(["--strict"] if strict else [])]) == code
    said = capsys.readouterr().out
    assert said.count("[b]a[/b]") == len(levels)
    assert all(name in said for name in found)
