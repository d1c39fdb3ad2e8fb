"""A small part of `make fuzz`: every operation is asked a few times, rightly and wrongly."""

from pathlib import Path

import pytest

from tests.embedded import writ_up
from tests.fuzz.attack import attack


@pytest.mark.slow
def test_what_the_document_says_is_what_happens(tmp_path: Path) -> None:
    with writ_up(tmp_path) as writ:
        found = attack(writ, tmp_path, seed=1, seconds=10, examples=5, phases=("fuzzing",))

    assert not found.broken, found.said
    assert found.fell == ()
    assert found.cases >= 200
