"""A page for each trouble: not signed in, not allowed, not found, and a ledger or settings that can't be read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from edfi_cte.deployment import ConnectionMissing
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.database import LedgerError, LedgerFault, LedgerUnavailable
from edfi_cte.ledger.reading import LedgerBusy, LedgerNewer, LedgerOlder, NoLedgerYet
from edfi_cte.ui.headers import HEADERS
from edfi_cte.ui.templating import templates
from edfi_cte.ui.visit import URL_PREFIX, page_address

log = logging.getLogger(__name__)

TITLES: dict[type[Exception], str] = {
    NoLedgerYet: "Nothing to show yet",
    LedgerOlder: "The ledger is older than these pages",
    LedgerNewer: "The ledger is newer than these pages",
    LedgerBusy: "The ledger is busy",
    LedgerUnavailable: "The ledger does not answer",
    LedgerFault: "The ledger refused to answer",
    LedgerError: "The ledger can't be used",
    ConnectionMissing: "A connection is missing",
}

_STATUSES = {
    400: ("This address is wrong", ""),
    401: ("Your session has ended", "Sign in to Airflow again, then open this page again."),
    403: (
        "Not for you",
        "These pages are for whoever may read the DAG student_cte_program_associations and its runs. Ask your "
        "Airflow administrator for that right.",
    ),
    404: ("Not found", ""),
}


def register(app: FastAPI) -> None:
    """The handlers belong to this app: those of Airflow's own do not reach into it."""
    handlers: list[tuple[Any, Callable[[Request, Any], Response]]] = [
        (HTTPException, _refused),
        (RequestValidationError, _misspelt),
        (EdfiCteError, _trouble),
        (Exception, _fault),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def _page(request: Request, status: int, title: str, text: str) -> HTMLResponse:
    root = str(request.scope.get("root_path", ""))
    html = (
        templates()
        .get_template("problem.html")
        .render(
            title=title,
            text=text,
            status=status,
            sign_in=f"{root.removesuffix(URL_PREFIX)}/",
            url=lambda page="", **query: page_address(root, page, query),
        )
    )
    return HTMLResponse(html, status)


def _refused(request: Request, error: HTTPException) -> Response:
    title, text = _STATUSES.get(error.status_code, (HTTPStatus(error.status_code).phrase, str(error.detail)))
    answer = _page(request, error.status_code, title, text or str(error.detail))
    # Airflow drops a session's cookie in this way.
    answer.headers.update(error.headers or {})
    return answer


def _misspelt(request: Request, error: RequestValidationError) -> Response:
    names = ", ".join(sorted({str(item["loc"][-1]) for item in error.errors()}))
    return _page(
        request, 400, "This address is wrong", f"It has an impossible value for {names}. Start from the overview."
    )


def _trouble(request: Request, error: EdfiCteError) -> Response:
    kind = next((kind for kind in TITLES if type(error) is kind), LedgerError)
    return _page(request, 503, TITLES[kind], str(error))


def _fault(request: Request, error: Exception) -> Response:
    log.error("a page failed: %s", type(error).__name__, exc_info=error)
    # Outside of the app's middleware.
    answer = _page(
        request, 500, "An error in these pages", "The API server's log has the details. Nothing was changed."
    )
    answer.headers.update(HEADERS)
    return answer
