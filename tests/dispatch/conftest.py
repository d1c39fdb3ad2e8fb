"""Fixtures of the dispatch tests: a world on both engines, on one, and on PostgreSQL alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dispatch.builders import World


@pytest.fixture
def world(engine_url: str, tmp_path: Path) -> Iterator[World]:
    """Once on SQLite, once on PostgreSQL."""
    with World.on(engine_url, tmp_path) as made:
        yield made


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    """SQLite, for tests in which the engine makes no difference."""
    with World.on(f"sqlite:///{tmp_path / 'writ.db'}", tmp_path) as made:
        yield made


@pytest.fixture
def postgres_world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """For what only PostgreSQL has: several processes."""
    with World.on(postgres_url, tmp_path) as made:
        yield made
