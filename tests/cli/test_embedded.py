"""The whole of Writ in one process: the demo, and a power cut in the middle of it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.servers import free_port

PATIENCE_S = 90
PACK = Path(__file__).parents[2] / "packs" / "write-for-rights-2021"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    ports = {
        name: str(free_port())
        for name in ("WRIT_INTAKE_PORT", "WRIT_TRACKING_PORT", "WRIT_SANDBOX_PORT")
    }
    return {
        **os.environ,
        **ports,
        "WRIT_DATA_DIR": str(tmp_path),
        "WRIT_CLAIM_TTL_S": "8",
        "WRIT_UNKNOWN_MARGIN_S": "4",
    }


@pytest.mark.slow
def test_the_demo_accounts_for_every_action(env: dict[str, str], tmp_path: Path) -> None:
    played = subprocess.run(
        [*_writ("demo"), "--no-stay", "--actions", "60"],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert played.returncode == 0, played.stdout + played.stderr
    assert summary["actions"] == {"submitted": 60, "accepted": 60, "rejected": 0}
    assert summary["unaccounted"] == 0
    assert summary["sandbox"]["agrees"]
    assert sum(summary["deliveries"]["by_channel"].values()) >= 60
    assert list(tmp_path.glob("documents/**/*.eml"))
    assert list(tmp_path.glob("documents/**/*.pdf"))


def test_a_second_writ_on_the_same_data_is_refused_in_words(
    env: dict[str, str],
) -> None:
    with _started("up", env=env) as first:
        _until(lambda: _serves(env), first)
        second = subprocess.run(
            _writ("up"), env=env, capture_output=True, text=True, timeout=30, check=False
        )

    assert second.returncode == 2
    assert "another Writ works in" in " ".join(second.stderr.split())


def test_a_writ_whose_relay_falls_ends_and_says_so(env: dict[str, str], tmp_path: Path) -> None:
    up = subprocess.Popen(
        _writ("up"), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    _until(lambda: _serves(env), up)

    _load_nonsense(tmp_path)
    _, said = up.communicate(timeout=30)

    assert up.returncode == 2
    assert "the relay fell (ValidationError)" in " ".join(said.split())


def _load_nonsense(data: Path) -> None:
    """A catalogue that cannot be read, as no pack could bring it."""
    with closing(sqlite3.connect(data / "writ.db")) as database, database:
        database.execute("INSERT INTO catalogue_entries VALUES ('case', 'x', 1, 'x', 'x', '{}', 1)")
        database.execute("INSERT INTO pack_loads VALUES (1, 'x', 'x', '[]', '2026-01-01 00:00:00')")


@pytest.mark.slow
def test_a_killed_demo_ends_every_action_once_after_a_restart(
    env: dict[str, str], tmp_path: Path
) -> None:
    with _started("demo", "--no-stay", "--actions", "400", env=env) as demo:
        _until(lambda: _count(tmp_path, "SELECT count(*) FROM attempts") > 60, demo)
        os.kill(demo.pid, signal.SIGKILL)
        demo.wait()
    accepted = _count(tmp_path, "SELECT count(*) FROM actions")

    with _started("up", env=env) as again:
        _until(lambda: _is_settled(tmp_path), again)
        counts = _sandbox_counts(env)

    assert accepted > 0
    assert _count(tmp_path, "SELECT count(*) FROM actions") == accepted
    assert _count(tmp_path, _UNCARRIED) == 0
    assert counts["emails_by_delivery_max"] == counts["letters_by_delivery_max"] == 1
    for channel, taken in (("email", counts["emails"]), ("letter", counts["letters"])):
        ours = f"SELECT count(*) FROM deliveries WHERE channel='{channel}' AND state='handed_over'"
        assert _count(tmp_path, ours) == taken


_UNCARRIED = (
    "SELECT count(*) FROM actions, json_each(actions.recipients) AS recipient WHERE NOT EXISTS"
    " (SELECT 1 FROM carriages WHERE action_id = actions.id AND recipient = recipient.value)"
)
_OPEN = (
    "SELECT count(*) FROM deliveries WHERE state IN ('sending', 'unknown')"
    " OR (state = 'due' AND held_reason IS NULL)"
)


def _is_settled(data: Path) -> bool:
    return _count(data, _UNCARRIED) == 0 and _count(data, _OPEN) == 0


def _writ(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("writ")), *words]


@contextmanager
def _started(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        _writ(*words), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _until(holds: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert process.poll() is None, "the process ended too early"
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def _count(data: Path, question: str) -> int:
    try:
        with closing(sqlite3.connect(f"file:{data / 'writ.db'}?mode=ro", uri=True)) as database:
            return int(database.execute(question).fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def _serves(env: dict[str, str]) -> bool:
    try:
        _get(f"http://127.0.0.1:{env['WRIT_INTAKE_PORT']}/readyz")
    except OSError:
        return False
    return True


def _sandbox_counts(env: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        _get(f"http://127.0.0.1:{env['WRIT_SANDBOX_PORT']}/sandbox/counts")
    )
    return found


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def test_a_key_is_made_and_used_while_writ_is_up(env: dict[str, str]) -> None:
    with _started("up", env=env) as running:
        _until(lambda: _serves(env), running)
        loaded = _run("pack", "load", str(PACK), env=env)
        made = _run("key", "create", "a tool", env=env)
        key = made.stdout.split("key")[1].split()[0]
        url = f"http://127.0.0.1:{env['WRIT_INTAKE_PORT']}"
        answer = urllib3.request(
            "POST",
            f"{url}/v1/actions",
            json={
                "case": "zhang-zhan",
                "channel": "letter",
                "supporter": {"name": "Ana Example", "country": "PT"},
            },
            headers={"Authorization": f"Bearer {key}"},
        )
        timeline = urllib3.request(
            "GET",
            url + answer.json()["links"]["timeline"],
            headers={"Authorization": f"Bearer {key}"},
        )

    assert loaded.returncode == made.returncode == 0, loaded.stderr + made.stderr
    assert key.startswith("writ_test_")
    assert (answer.status, timeline.status) == (202, 200)


def test_a_taken_port_is_named_with_its_setting(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(env["WRIT_TRACKING_PORT"]))):
        refused = _run("up", env=env)

    assert refused.returncode == 2
    assert f"port {env['WRIT_TRACKING_PORT']} cannot be used" in refused.stderr
    assert "set WRIT_TRACKING_PORT to a free one" in refused.stderr


def test_without_any_writ_a_key_cannot_be_made_and_it_says_what_to_do(env: dict[str, str]) -> None:
    refused = _run("key", "create", "a tool", env=env)

    assert refused.returncode == 2
    assert "`writ up` makes one" in refused.stderr


def _run(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _writ(*words), env=env, capture_output=True, text=True, timeout=60, check=False
    )
