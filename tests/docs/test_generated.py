"""The pages that are made from the code are those of the code, and leave nothing unsaid."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import TypeAdapter

from docs.generate import _meanings, _models, example_of, pages
from edfi_cte.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["settings.md", "ledger.md"])
def test_a_generated_page_is_of_today(page: str):
    assert (DOCS / page).read_text(encoding="utf-8") == pages()[page], "run: make docs-generated"


def settings_rows() -> list[tuple[str, Any, str]]:
    """Each setting's path, its field, and its example as the page has it."""
    return [
        (f"{path}.{name}", field, example_of(_meanings(model).get(name, ""))[1])
        for path, model in _models(Settings, "")
        for name, field in model.model_fields.items()
    ]


@pytest.mark.parametrize(("path", "field", "example"), settings_rows(), ids=lambda value: str(value)[:40])
def test_every_setting_has_an_example_that_it_takes(path: str, field: Any, example: str):
    if example:
        annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        text = example.strip("`")
        # A mapping's example is one entry, as a line of the file.
        TypeAdapter(annotation).validate_python(yaml.safe_load(text))
        return
    assert field.is_required() or field.get_default(call_default_factory=True) not in (None, (), {}), "an Example"
    assert not field.is_required() or path == ".targets", "an Example"


@pytest.mark.parametrize("page", ["settings.md", "ledger.md"])
def test_every_row_says_what_it_means(page: str):
    silent = [line for line in pages()[page].splitlines() if line.startswith("| `") and line.endswith("|  |")]

    assert silent == []
