"""A service started by its command says all it says in one form."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from services.intake.clients.manage import create_client
from shared.api_keys import Mode, Scope
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from tests.servers import free_port

SETTINGS = {
    "WRIT_ENVIRONMENT": "development",
    "WRIT_PRIVACY_KEYS": Keyring.new_key("test"),
    "WRIT_IDENTITY_KEY": "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk=",
    "WRIT_PRINT_WEBHOOK_SECRET": "sandbox-secret",
    "WRIT_PREVIEW_KEY": "k" * 32,
}


@pytest.mark.parametrize(
    ("service", "port_of"),
    [
        ("intake", "WRIT_INTAKE_PORT"),
        ("tracking", "WRIT_TRACKING_PORT"),
        ("dispatch-preview", "WRIT_PREVIEW_PORT"),
    ],
)
def test_every_line_of_a_web_service_is_json(service: str, port_of: str, tmp_path: Path) -> None:
    port = {port_of: str(free_port())}
    env = {**os.environ, **SETTINGS, **port, "WRIT_DATABASE_URL": f"sqlite:///{tmp_path / 'w.db'}"}
    command = [str(Path(sys.executable).with_name("writ")), service, "--workers", "1"]

    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        lines = []
        for text in running.stderr:
            lines.append(json.loads(text))
            if "Listening at" in lines[-1]["event"]:
                running.terminate()

    assert len(lines) > 1
    assert {line["service"] for line in lines} == {service}
    assert all(set(line) >= {"level", "timestamp"} for line in lines)


def test_the_sandbox_is_never_started_by_production(tmp_path: Path) -> None:
    refused = the_sandbox(tmp_path, WRIT_ENVIRONMENT="production")

    assert refused.returncode == 2
    assert "WRIT_ENVIRONMENT is production" in " ".join(refused.stderr.split())


def the_sandbox(data: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        **SETTINGS,
        "WRIT_PRINT_API_KEY": "sandbox-key",
        "WRIT_DATA_DIR": str(data),
        **changes,
    }
    command = [str(Path(sys.executable).with_name("writ")), "sandbox"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)


def test_a_map_of_many_columns_fits_into_an_address(tmp_path: Path) -> None:
    """Of gunicorn, which takes 4,094 bytes unless told: a letter of another script needs six."""
    key, columns = a_key(tmp_path), {f"Столбец номер {number}": None for number in range(45)}
    mapping = quote(json.dumps(columns, ensure_ascii=False))

    with running_intake(tmp_path) as url:
        fits = hand_in(url, key, mapping)
        too_long = hand_in(url, key, mapping + 8_190 * "+")

    assert 4_094 < len(mapping) < 8_000
    assert (fits.status, too_long.status) == (202, 414)
    assert b"Request Line is too large" in too_long.data


def a_key(folder: Path) -> str:
    """Of a client of a database in this folder."""
    database = Database(
        f"sqlite:///{folder / 'w.db'}", Keyring.parse(SETTINGS["WRIT_PRIVACY_KEYS"])
    )
    migrate(database)
    made = create_client(database, "a tool", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    database.close()
    return made.key


@contextmanager
def running_intake(folder: Path) -> Iterator[str]:
    port = free_port()
    env = {**os.environ, **SETTINGS, "WRIT_DATABASE_URL": f"sqlite:///{folder / 'w.db'}"}
    command = [str(Path(sys.executable).with_name("writ")), "intake", "--workers", "1"]
    env["WRIT_INTAKE_PORT"] = str(port)
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        next(line for line in running.stderr if "Booting worker" in line)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


def hand_in(url: str, key: str, mapping: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST",
        f"{url}/v1/imports?case=mikita&channel=email&mapping={mapping}",
        body=b"Name\nAna\n",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
        retries=False,
    )
