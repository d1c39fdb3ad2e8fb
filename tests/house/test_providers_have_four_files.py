"""A provider is four files of the same name: the neighbour to copy shows what each holds."""

from pathlib import Path

import pytest

from tests.house.tree import ROOT, committed

PROVIDERS = "services/dispatch/providers"
NOT_PROVIDERS = {"__init__", "capability", "contract", "registry"}


def is_provider(path: Path) -> bool:
    if path.parent != ROOT / PROVIDERS or path.stem in NOT_PROVIDERS:
        return False
    # `ses_errors` is a part of `ses`.
    return not any(path.stem.startswith(f"{other.stem}_") for other in path.parent.glob("*.py"))


NAMES = [path.stem for path in committed(f"{PROVIDERS}/*.py") if is_provider(path)]


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_has_its_four_files(name: str) -> None:
    wanted = [
        f"{PROVIDERS}/{name}.py",
        f"services/tracking/receipts/{name}.py",
        f"tests/dispatch/providers/test_{name}.py",
        f"tests/tracking/receipts/test_{name}.py",
    ]

    missing = [file for file in wanted if not (ROOT / file).exists()]
    assert missing == [], f"the provider {name} still wants {', '.join(missing)}"


def test_there_are_providers() -> None:
    assert NAMES
