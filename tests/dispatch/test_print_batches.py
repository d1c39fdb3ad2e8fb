"""The sender of batches looks again and again, and outlives a house that is away."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.dispatch.print_batches import make_sender, run_sender
from services.dispatch.providers.batches.send import BatchSender, Sent
from services.dispatch.vendor_settings.batches import BatchSettings
from services.dispatch.vendor_settings.sftp_manifest import SftpManifestSettings
from shared.settings import Env, SettingError
from shared.sftp import LineLost
from tests.dispatch.builders import FakeClock
from tests.dispatch.providers.house import AT_THE_CUT_OFF, FORM, a_letter, a_provider, a_road
from tests.servers import PrivateSshd


@dataclass
class FakeSender:
    """Fails as told, then ends the run."""

    stop: threading.Event
    answers: list[Exception | None]
    rounds: int = field(default=0)

    def send_due(self, _now: object) -> Sent:
        self.rounds += 1
        answer = self.answers.pop(0)
        if not self.answers:
            self.stop.set()
        if answer:
            raise answer
        return Sent()


def told(data_dir: Path, sshd: PrivateSshd, **changes: str) -> dict[str, str]:
    partner = sshd.partner
    return {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATABASE_URL": "sqlite://",
        "WRIT_PRIVACY_KEYS": "none",
        "WRIT_DATA_DIR": str(data_dir),
        "WRIT_SFTP_HOUSE": str(FORM),
        "WRIT_SFTP_HOST": partner.host,
        "WRIT_SFTP_PORT": str(partner.port),
        "WRIT_SFTP_USER": partner.user,
        "WRIT_SFTP_KEY": partner.key,
        "WRIT_SFTP_HOST_KEYS": partner.host_keys[0],
    } | changes


def test_it_goes_on_after_a_fault() -> None:
    stop = threading.Event()
    sender = FakeSender(stop, [LineLost("before"), OSError(28, "full"), None])

    with capture_logs() as said:
        run_sender(sender, stop, poll_s=0, clock=FakeClock())  # type: ignore[arg-type]

    assert sender.rounds == 3
    assert [line["event"] for line in said] == ["batches_not_sent"] * 2


def test_what_settings_say_is_a_sender_that_sends(sshd: PrivateSshd, tmp_path: Path) -> None:
    road = a_road(sshd, tmp_path)
    form = tmp_path / "house.toml"
    form.write_text(FORM.read_text().replace('folder = "in"', f'folder = "{road.folder}/in"'))
    a_provider(tmp_path).order(a_letter())

    settings = BatchSettings.from_env(Env(told(tmp_path, sshd, WRIT_SFTP_HOUSE=str(form))))
    sender = make_sender(settings)

    assert isinstance(sender, BatchSender)
    assert len(sender.send_due(AT_THE_CUT_OFF).batches) == 1
    assert len(road.house.receive(AT_THE_CUT_OFF)) == 1


@pytest.mark.parametrize("house", ["", "nowhere.toml"])
def test_a_form_must_be_named(house: str, sshd: PrivateSshd, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="WRIT_SFTP_HOUSE must name a file"):
        BatchSettings.from_env(Env(told(tmp_path, sshd, WRIT_SFTP_HOUSE=house)))


def test_a_worker_needs_no_key_to_the_house() -> None:
    settings = SftpManifestSettings.from_env(Env({"WRIT_SFTP_HOUSE": str(FORM)}))

    settings.check(production=True)

    with pytest.raises(SettingError):
        replace(settings, house=Path("nowhere")).check(production=True)
