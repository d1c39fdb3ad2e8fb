"""What an operator may run into ends in one plain sentence, never in a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.privacy import Keyring

PACK = Path(__file__).parents[2] / "packs" / "write-for-rights-2021"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "WRIT_DATABASE_URL": f"sqlite:///{tmp_path / 'writ.db'}",
        "WRIT_PRIVACY_KEYS": Keyring.new_key("test"),
    }


@pytest.fixture
def broken_pack(tmp_path: Path) -> str:
    folder = tmp_path / PACK.name
    shutil.copytree(PACK, folder)
    (folder / "stray.txt").write_text("?")
    return str(folder)


def test_nothing_is_put_into_a_database_that_nobody_migrated(
    env: dict[str, str], tmp_path: Path
) -> None:
    for words in (["key", "create", "tool"], ["pack", "load", str(PACK)]):
        assert failure(env, *words) == (
            "writ: the database lacks this version's tables: run `writ migrate` first"
        )


def test_a_database_that_is_away_is_said(env: dict[str, str]) -> None:
    env["WRIT_DATABASE_URL"] = "postgresql+psycopg://writ:a-password@127.0.0.1:1/writ"

    said = failure(env, "migrate")

    assert said.startswith("writ: the database cannot be used (OperationalError)")
    assert "a-password" not in said


def test_an_entry_of_another_pack_is_said(env: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "another-pack"
    shutil.copytree(PACK, other)
    campaign = (other / "pack.toml").read_text()
    (other / "pack.toml").write_text(campaign.replace(PACK.name, other.name))
    writ(env, "migrate")
    writ(env, "pack", "load", str(PACK))

    assert failure(env, "pack", "load", str(other)).startswith("writ: another pack brought: ")


def test_a_pack_with_faults_is_not_loaded(env: dict[str, str], broken_pack: str) -> None:
    said = failure(env, "pack", "load", broken_pack)

    assert said == "writ: the pack has 1 faults; `writ pack check` lists them"


def test_the_faults_of_a_pack_are_listed(env: dict[str, str], broken_pack: str) -> None:
    checked = writ(env, "pack", "check", broken_pack)

    assert checked.returncode == 1
    assert checked.stdout.startswith("stray.txt:1: a stray file")


def test_what_looks_odd_in_a_pack_is_a_warning_and_no_fault(env: dict[str, str]) -> None:
    checked = writ(env, "pack", "check", str(PACK))

    assert checked.returncode == 0
    first, last = checked.stdout.splitlines()
    assert first.startswith("recipients/mx-roo-attorney-general.toml:22: warning: the postcode")
    assert last.endswith("no faults in 54 entries; warnings: 1")


def test_a_rate_is_never_negative(env: dict[str, str]) -> None:
    refused = writ(env, "key", "create", "tool", "--rate", "-1")

    assert refused.returncode == 2
    assert "--rate" in refused.stderr


def failure(env: dict[str, str], *words: str) -> str:
    """What the command says when it fails, on one line."""
    ended = writ(env, *words)
    assert ended.returncode == 2, ended.stderr
    return " ".join(ended.stderr.split())


def writ(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("writ")), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
