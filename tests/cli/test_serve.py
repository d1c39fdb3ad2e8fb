"""A service started by its command says all it says in one form."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
