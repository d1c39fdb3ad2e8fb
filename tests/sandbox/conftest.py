"""A sandbox for each test, and a listener in the place of tracking."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sandbox.certificates import Signer
from tests.sandbox.world import Listener, World, a_listener, a_world


@pytest.fixture
def listener() -> Iterator[Listener]:
    with a_listener() as listener:
        yield listener


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a signing identity: making the key takes longer than most tests."""
    directory = tmp_path_factory.mktemp("identity")
    Signer.open(directory)
    return directory


@pytest.fixture
def world(tmp_path: Path, listener: Listener, identity: Path) -> Iterator[World]:
    shutil.copytree(identity, tmp_path, dirs_exist_ok=True)
    with a_world(tmp_path, listener.url) as world:
        yield world


@pytest.fixture(scope="session")
def untouched(identity: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One sandbox for all the tests in which it takes nothing and owes nothing."""
    directory = shutil.copytree(identity, tmp_path_factory.mktemp("untouched") / "sandbox")
    with a_world(directory, "http://127.0.0.1:9") as world:
        yield world
