"""Where commands print."""

import json
from typing import Any

from rich.console import Console

console = Console(soft_wrap=True)


def print_json(value: Any) -> None:
    """For another program: no colours, no folding."""
    console.print(json.dumps(value, indent=2, ensure_ascii=False, default=str), markup=False, highlight=False)
