"""``make screenshots``: the pictures of the pages in docs/images, from the ledger that ``make demo`` left."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.ui import ROOT, demo_environment, reserialize, served

TARGET = "039141-2026"
IMAGES = ROOT / "docs" / "images"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DARK = {"run"}
"""Drawn in the dark theme; the others in the light one."""
IN_AIRFLOW = {"grid", "overview"}
"""Drawn inside of Airflow's frame; the others by themselves."""
DAG = "student_cte_program_associations"
SIZES = {"grid": (1700, 640), "overview": (1360, 480)}
"""Width and height; the others have those of a usual window."""
KEPT_BY_AIRFLOW = {
    "react-resizable-panels:grid-ltr": json.dumps(
        {"details-panel,main-panel": {"expandToSizes": {}, "layout": [22, 78]}}
    ),
    f"{DAG}/open-groups": json.dumps(["target"]),
    f"{DAG}/all-groups": json.dumps(["target"]),
}
"""What Airflow's grid remembers in a browser: the width of its panel, and that the lane's group is open."""


def main() -> int:
    """Draws each page."""
    from playwright.sync_api import sync_playwright

    work = ROOT / ".demo"
    if not (work / "ledger.sqlite").exists():
        print("There is nothing to draw yet: run 'make demo' first.")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment, log = demo_environment(work, port), work / "api-server.log"
    reserialize(environment, log)
    with served(environment, port, log) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for theme in ("light", "dark"):
            context = browser.new_context()
            for name, value in ({"theme": theme} | KEPT_BY_AIRFLOW).items():
                context.add_init_script(f"localStorage.setItem({json.dumps(name)}, {json.dumps(value)})")
            # Signed in by visiting: everyone is an admin there.
            page = context.new_page()
            page.goto(address, wait_until="networkidle")
            for name, path in _paths(work / "ledger.sqlite").items():
                if (name in DARK) == (theme == "dark"):
                    width, height = SIZES.get(name, (1360, 860))
                    page.set_viewport_size({"width": width, "height": height})
                    _draw(page, address + path, IMAGES / f"{name}.png", framed=name in IN_AIRFLOW)
        browser.close()
    print(f"Drawn into {IMAGES.relative_to(ROOT)}/.")
    return 0


def _paths(ledger: Path) -> dict[str, str]:
    """The pages by name, each with something in it."""
    with sqlite3.connect(ledger) as connection:
        # The run of the edits has something of each kind.
        changed = (
            "SELECT run_id, enrollment_id FROM edfi_cte_event WHERE action = 'Delete/Post' ORDER BY event_id DESC"
        )
        run, record = connection.execute(changed).fetchone()
    target = f"?target={TARGET}"
    return {
        "grid": f"/dags/{DAG}/plugin/edfi-cte-dag",
        "overview": "/plugin/edfi-cte",
        "run": f"/edfi-cte/run{target}&run={quote(run)}",
        "event-queue": f"/edfi-cte/events{target}",
        "errors": f"/edfi-cte/errors{target}",
        "record": f"/edfi-cte/record{target}&id={record}",
        "preferences": f"/edfi-cte/preferences{target}",
    }


def _draw(page: Any, url: str, to: Path, *, framed: bool) -> None:
    page.goto(url, wait_until="networkidle")
    if framed:
        page.frame_locator("iframe").get_by_role("heading", name="Overview").wait_for()
    page.screenshot(path=to)


if __name__ == "__main__":
    sys.exit(main())
