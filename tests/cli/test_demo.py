"""When the demo may call itself a success, and where it finds its pack."""

from pathlib import Path

import pytest

from services.cli.campaign_tool import Submitted
from services.cli.demo import is_whole
from services.cli.summary import Tally
from services.cli.up import demo_pack

NAME = "write-for-rights-2021"


def test_all_accepted_and_accounted_for_is_whole() -> None:
    assert is_whole(2, Submitted(submitted=2, accepted=["a", "b"]), Tally((), 0), agreed=True)


@pytest.mark.parametrize(
    ("submitted", "unaccounted", "agreed"),
    [
        (Submitted(submitted=1, accepted=["a"]), 0, True),  # cut short
        (Submitted(submitted=2, accepted=["a"], rejected=1), 0, True),
        (Submitted(submitted=2, accepted=["a"], unanswered=1), 0, True),
        (Submitted(submitted=2, accepted=["a", "b"]), 1, True),
        (Submitted(submitted=2, accepted=["a", "b"]), 0, False),
    ],
)
def test_anything_less_is_not(submitted: Submitted, unaccounted: int, agreed: bool) -> None:
    assert not is_whole(2, submitted, Tally((), unaccounted), agreed=agreed)


def test_the_pack_below_the_working_directory_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the image, where the code is installed far from the packs."""
    (tmp_path / "packs" / NAME).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    assert demo_pack() == tmp_path / "packs" / NAME


def test_elsewhere_it_is_the_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert (demo_pack() / "pack.toml").is_file()
