"""Writes .env from .env.example, with a random value for every blank (make up). An existing .env stays as it is."""

import base64
import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE64_KEYS = {"AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode, "EDFI_ENCRYPTION_KEY": base64.b64encode}


def filled(template: str) -> str:
    """``template`` with a random value after every ``NAME=`` that has none."""
    return re.sub(r"^([A-Z_]+)=$", lambda found: f"{found[1]}={random_value(found[1])}", template, flags=re.MULTILINE)


def random_value(name: str) -> str:
    """A value that fits: SQL Server also wants letters of both cases and digits in its passwords."""
    if encode := BASE64_KEYS.get(name):
        return encode(os.urandom(32)).decode()
    return f"Aa1-{secrets.token_hex(20)}"


def license_accepted(settings: str) -> bool:
    """True if SQL Server's license is accepted, in .env or (make up ACCEPT_EULA=Y) in the environment."""
    written = re.search(r"^ACCEPT_EULA=(.*)$", settings, flags=re.MULTILINE)
    return os.environ.get("ACCEPT_EULA", written[1].strip() if written else "") == "Y"


def main() -> int:
    """Write the file, readable by its owner alone, unless it is there."""
    path = ROOT / ".env"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(filled((ROOT / ".env.example").read_text()))
        sys.stdout.write("Wrote .env, with new secrets.\n")
    if not license_accepted(path.read_text()):
        sys.stderr.write(
            "SQL Server starts only where its license is accepted (https://go.microsoft.com/fwlink/?linkid=857698). "
            "To accept it: make up ACCEPT_EULA=Y\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
