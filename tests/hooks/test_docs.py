"""docs/edfi-hook.md: its examples run, top to bottom, and its table is the config's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from edfi_cte.ods import EdFiConfig
from tests.ods.fake_api import FakeApi

PAGE = Path(__file__).resolve().parents[2] / "docs" / "edfi-hook.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_examples_run(api: FakeApi, connect: Callable[..., str]) -> None:
    connect()
    names: dict[str, Any] = {"__name__": "example"}
    for number, example in enumerate(EXAMPLES, start=1):
        exec(compile(example, f"{PAGE.name}, example {number}", "exec"), names)  # noqa: S102
    assert len(EXAMPLES) == 7
    assert {task.task_id for task in names["dag"].tasks} == {"read", "send", "count", "drop", "plain"}


def test_every_option_is_described_with_its_default() -> None:
    rows = dict(re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", PAGE.read_text(), re.MULTILINE))
    described = {name: row for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(described) == set(EdFiConfig.option_names())
    for option in fields(EdFiConfig):
        if option.name in described and isinstance(option.default, int | float) and option.default < 10_000:
            shown = rows[described[option.name]]
            assert f"{option.default:g}" in shown or str(option.default).lower() == shown, option.name
