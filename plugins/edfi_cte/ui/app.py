"""The web application that the plugin mounts into Airflow's API server."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles

from edfi_cte.ui import troubles
from edfi_cte.ui.access import may_read
from edfi_cte.ui.headers import Headers
from edfi_cte.ui.pages import ROUTERS
from edfi_cte.ui.source import Source

_STATIC = Path(__file__).parent / "static"


def make_app() -> FastAPI:
    """The pages. Every route but the static files is for those who may read the DAG; all of them only read."""
    app = FastAPI(title="edfi-cte", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.source = Source()
    guarded = APIRouter(dependencies=[Depends(may_read), Depends(_no_null_byte)])
    for router in ROUTERS:
        guarded.include_router(router)
    app.include_router(guarded)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    troubles.register(app)
    app.add_middleware(Headers)
    return app


def _no_null_byte(request: Request) -> None:
    """Raises 400 for what PostgreSQL would not take."""
    if any("\0" in value for value in request.query_params.values()):
        raise HTTPException(400, "A value in it has a null byte. Start from the overview.")
