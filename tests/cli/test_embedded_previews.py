"""The embedded Writ makes previews, too: with a service of its own, and a key nobody has to set."""

from pathlib import Path

import pytest
import urllib3

from services.cli.embedded import embedded
from services.cli.environment import secrets
from services.intake.clients.manage import create_client
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope
from tests.intake.builders import a_pack, an_action
from tests.servers import free_port


def test_previews_work_out_of_the_box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("WRIT_PREVIEW_URL", "https://previews.real.example")  # is not asked
    ports = ("WRIT_INTAKE_PORT", "WRIT_TRACKING_PORT", "WRIT_SANDBOX_PORT")
    overrides = {"WRIT_DATA_DIR": str(tmp_path)} | {name: str(free_port()) for name in ports}

    with embedded(overrides) as writ:
        load_entries(writ.database, "test", a_pack())
        client = create_client(writ.database, "a tool", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
        answer = urllib3.request(
            "POST",
            f"{writ.api_url}/v1/previews",
            json=an_action(),
            headers={"Authorization": f"Bearer {client.key}"},
        )

    assert answer.status == 200
    assert len(answer.json()["previews"]) == 2
    assert "WRIT_PREVIEW_KEY" not in secrets(tmp_path)
