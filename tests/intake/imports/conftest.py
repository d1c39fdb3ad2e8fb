"""Fixtures of the imports' tests: an intake and its desk, on one engine or on both."""

from collections.abc import Iterator

import pytest

from tests.intake.imports.world import World


@pytest.fixture
def either(engine_url: str) -> Iterator[World]:
    """Once on SQLite, once on PostgreSQL."""
    yield from _started(engine_url)


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """SQLite, for tests in which the engine makes no difference."""
    yield from _started(sqlite_url)


def _started(url: str) -> Iterator[World]:
    world = World.start(url)
    yield world
    world.intake.database.close()
