"""The pages, a module each."""

from edfi_cte.ui.pages import errors, home, queue, record, records, run, settled, waiting

ROUTERS = tuple(module.router for module in (home, run, queue, errors, records, record, waiting, settled))
