"""The fetcher looks again and again, and outlives a house or a database that is away."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.tracking.fetch_files import Done
from services.tracking.files_settings import FilesSettings
from services.tracking.print_files import make_fetcher, run_fetcher
from shared.database import Database
from shared.settings import Env, SettingError
from shared.sftp import LineLost
from tests.dispatch.providers.house import FORM, a_road
from tests.dispatch.test_print_batches import told
from tests.servers import PrivateSshd


@dataclass
class FakeFetcher:
    """Fails as told, then ends the run."""

    stop: threading.Event
    answers: list[Exception | None]
    rounds: int = field(default=0)

    def fetch(self) -> Done:
        self.rounds += 1
        answer = self.answers.pop(0)
        if not self.answers:
            self.stop.set()
        if answer:
            raise answer
        return Done()


def test_it_goes_on_after_a_fault_and_quotes_nothing() -> None:
    stop = threading.Event()
    away = OperationalError("INSERT", {"name": "Ada Example"}, Exception("gone"))
    fetcher = FakeFetcher(stop, [LineLost("before"), away, None])

    with capture_logs() as said:
        run_fetcher(fetcher, stop, poll_s=0)  # type: ignore[arg-type]

    assert fetcher.rounds == 3
    assert [line["event"] for line in said] == ["files_not_fetched"] * 2
    assert "Ada" not in str(said)


def test_what_settings_say_is_a_fetcher_that_fetches(
    sshd: PrivateSshd, tmp_path: Path, small_database: Database
) -> None:
    road = a_road(sshd, tmp_path)
    form = tmp_path / "house.toml"
    form.write_text(FORM.read_text().replace('"out', f'"{road.folder}/out'))
    (road.house.root / "out/invoice_1.csv").write_text("net\n95\n")
    (road.house.root / "out/invoice_1.csv.done").write_text("1")

    settings = FilesSettings.from_env(Env(told(tmp_path, sshd, WRIT_SFTP_HOUSE=str(form))))
    done = make_fetcher(settings, small_database).fetch()

    assert done.invoices == ["print_files/invoices/invoice_1.csv"]
    assert (road.house.root / "out/taken/invoice_1.csv").exists()


def test_a_form_must_be_named(sshd: PrivateSshd, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="WRIT_SFTP_HOUSE must name a file"):
        FilesSettings.from_env(Env(told(tmp_path, sshd, WRIT_SFTP_HOUSE="")))
