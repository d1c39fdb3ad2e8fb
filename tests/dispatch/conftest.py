"""Fixtures of the dispatch tests: a world on both engines, on one, and on PostgreSQL alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dispatch.builders import World
from tests.dispatch.paced import TEN, office


@pytest.fixture
def world(engine_url: str, tmp_path: Path) -> Iterator[World]:
    """Once on SQLite, once on PostgreSQL."""
    with World.on(engine_url, tmp_path) as made:
        yield made


@pytest.fixture
def small_world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """SQLite, for tests in which the engine makes no difference."""
    with World.on(sqlite_url, tmp_path) as made:
        yield made


@pytest.fixture
def postgres_world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """For what only PostgreSQL has: several processes."""
    with World.on(postgres_url, tmp_path) as made:
        yield made


@pytest.fixture
def paced_world(world: World) -> World:
    """A Monday morning before an office that takes one email an hour; once on each engine."""
    world.clock.at = TEN
    world.catalogue = office()
    return world


@pytest.fixture
def small_paced(small_world: World) -> World:
    """The same on SQLite."""
    small_world.clock.at = TEN
    small_world.catalogue = office()
    return small_world
