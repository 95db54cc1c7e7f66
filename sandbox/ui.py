"""``make ui``: Airflow's UI on this machine, with the ledger that ``make demo`` left, signed in as an admin.

No scheduler runs beside it: a run that is triggered there, as by Approve, waits for one.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 240


def main() -> int:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(prog="make ui", description="Look at the demo's ledger in Airflow's UI.")
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    work = ROOT / ".demo"
    if not (work / "ledger.sqlite").exists():
        print("There is nothing to look at yet: run 'make demo' first.")
        return 1
    if _is_taken(port):
        print(f"Port {port} is in use: name another one, as in 'make ui PORT=8090'.")
        return 1
    environment = demo_environment(work, port)
    print("Airflow starts ...", flush=True)
    log = work / "api-server.log"
    reserialize(environment, log)
    with served(environment, port, log) as address:
        print(f"Airflow is at {address}/, its pages under Browse > Ed-Fi CTE, or at {address}/edfi-cte/.")
        print("Ctrl+C ends it.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()
    return 0


def demo_environment(work: Path, port: int) -> dict[str, str]:
    """The environment of an Airflow on the demo's home, ledger and settings."""
    ledger = json.dumps({"conn_type": "sqlite", "host": str(work / "ledger.sqlite")})
    own = {
        "AIRFLOW_HOME": str(work / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW__EDFI_CTE__SETTINGS_FILE": str(work / "edfi_cte.yaml"),
        "AIRFLOW_CONN_EDFI_CTE_LEDGER": ledger,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | own


@contextmanager
def served(
    environment: Mapping[str, str], port: int, log: Path, python: str | Path = sys.executable
) -> Iterator[str]:
    """An API server on loopback; its address, once it answers."""
    command = [str(python), "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("a") as output:
        server = subprocess.Popen(  # noqa: S603
            [*command, "--workers", "1"], env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{environment.get('AIRFLOW__API__BASE_URL', address)}/api/v2/version", server, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - this machine's own address
                return
        except (URLError, OSError):
            time.sleep(0.5)
    tail = "\n".join(log.read_text().splitlines()[-20:])
    raise SystemExit(f"Airflow's API server did not start; the end of {log}:\n{tail}")


def reserialize(environment: Mapping[str, str], log: Path) -> None:
    """Tell Airflow's database of the DAG, which needs no scheduler then to be looked at or triggered."""
    command = [sys.executable, "-m", "airflow", "dags", "reserialize"]
    with log.open("a") as output:
        subprocess.run(command, env=dict(environment), stdout=output, stderr=output, check=True)  # noqa: S603


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
