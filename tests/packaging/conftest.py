from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import LOCKS, build_wheel, installed_environment


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, freshly built."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The Python of a clean environment of one Airflow minor, installed once."""
    made: dict[str, Path] = {}

    def environment(minor: str) -> Path:
        if minor not in made:
            made[minor] = installed_environment(tmp_path_factory.mktemp("airflow") / "environment", LOCKS[minor])
        return made[minor]

    return environment
