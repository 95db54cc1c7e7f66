"""Writes the ledger's next revision from what ``ledger/schema.py`` has and the newest revision has not.

``make revision NAME="what it adds"``. Read what it wrote: data that has to move is up to you.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from edfi_cte.ledger.database import alembic_config
from edfi_cte.ledger.schema import metadata
from tests.ledger import first_ledger


def write(name: str, schema: sa.MetaData, config: Config) -> Path | None:
    """The next revision's file; ``None`` where the newest revision leaves what the schema has."""
    scripts = ScriptDirectory.from_config(config)
    number = f"{int(scripts.get_current_head() or 0) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{folder}/ledger.sqlite")
        with engine.connect() as connection:
            first_ledger.make(connection)
            config.attributes.update(connection=connection, target_metadata=schema)
            command.upgrade(config, "head")
            changed = False

            def keep_changes(_context: object, _revision: object, directives: list[object]) -> None:
                nonlocal changed
                changed = not directives[0].upgrade_ops.is_empty()  # type: ignore[attr-defined]
                directives[:] = directives if changed else []

            written = command.revision(
                config, name, autogenerate=True, rev_id=number, process_revision_directives=keep_changes
            )
        engine.dispose()
    if not changed:
        return None
    path = Path(written.path)  # type: ignore[union-attr]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("    # ###")))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="what it adds, in a few words")
    name = parser.parse_args().name.strip()
    if not name:
        parser.error('NAME is empty: make revision NAME="what it adds"')
    path = write(name, metadata, alembic_config())
    print(path or "The newest revision leaves what the schema has: there is nothing to write.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
