"""Every package is pinned with its hashes, and nothing says where one machine gets its packages."""

import re

import pytest

from tests.house.tree import ROOT

PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==[^\s;]+( ; .+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    for requirement in requirements(name):
        pin, *hashes = requirement

        assert PIN.fullmatch(pin)
        assert hashes, f"{pin} has no hash"
        assert all(HASH.fullmatch(one) for one in hashes), pin


@pytest.mark.parametrize("name", ["run.in", "run.txt", "dev.in", "dev.txt"])
def test_no_requirement_names_an_index_or_a_place(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()

    assert not re.search(r"://|^--?(index|extra|find|trusted|f |i )", text, re.MULTILINE)


def test_what_is_tested_is_what_runs() -> None:
    assert pins("run") <= pins("dev")


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_package_asked_for_is_locked(name: str) -> None:
    asked = [re.split(r"[\s\[<>=~!#;]", line)[0] for line in source(name)]

    locked = {re.split(r"[=\[]", pin)[0] for pin in pins(name)}
    assert [package for package in asked if package not in locked] == []


def requirements(name: str) -> list[list[str]]:
    """Each requirement as its pin and its hashes."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    joined = re.sub(r"\s*#.*", "", text).replace("\\\n", " ")
    return [
        re.split(r"\s+(?=--hash)", line.strip()) for line in joined.splitlines() if line.strip()
    ]


def pins(name: str) -> set[str]:
    return {requirement[0] for requirement in requirements(name)}


def source(name: str) -> list[str]:
    lines = (ROOT / f"requirements/{name}.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]
