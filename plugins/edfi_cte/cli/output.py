"""Where commands print."""

from rich.console import Console

console = Console(soft_wrap=True)
