"""`writ print-batches` and `writ print-files`, once each, against a real OpenSSH server."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.serve.print_batches import print_batches
from services.cli.serve.print_files import print_files
from tests.cli.conftest import PRIVACY_KEY
from tests.dispatch.builders import FakeClock
from tests.dispatch.providers.house import AT_THE_CUT_OFF, FORM, Road, a_letter, a_provider, a_road
from tests.dispatch.test_print_batches import told
from tests.servers import PrivateSshd


@pytest.fixture
def road(
    sshd: PrivateSshd, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> Road:
    made = a_road(sshd, tmp_path)
    form = tmp_path / "house.toml"
    text = FORM.read_text().replace('"out', f'"{made.folder}/out')
    form.write_text(text.replace('folder = "in"', f'folder = "{made.folder}/in"'))
    settings = told(tmp_path, sshd, WRIT_SFTP_HOUSE=str(form), WRIT_DATABASE_URL=sqlite_url)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WRIT_PRIVACY_KEYS", PRIVACY_KEY)
    for name in ("print_batches", "print_files"):  # a process of its own sets up its logs
        monkeypatch.setattr(f"services.cli.serve.{name}.set_up_logs", lambda *_, **__: None)
    return made


def test_a_batch_that_is_due_is_sent_and_its_answer_fetched(road: Road) -> None:
    # Long ago: its cut-off is over.
    a_provider(road.data_dir, road.form, FakeClock(AT_THE_CUT_OFF.replace(year=2021))).order(
        a_letter()
    )

    sent = CliRunner().invoke(print_batches, ["--once"])
    road.house.receive(AT_THE_CUT_OFF)
    road.house.post(AT_THE_CUT_OFF)
    fetched = CliRunner().invoke(print_files, ["--once"])

    assert (sent.exit_code, fetched.exit_code) == (0, 0), sent.output + fetched.output
    assert "1 batches sent, 0 left." in sent.output
    assert "3 files taken" in fetched.output
    assert "invoice: print_files/invoices/invoice_" in fetched.output


def test_a_file_that_cannot_be_read_is_told_by_the_exit_code(road: Road) -> None:
    (road.house.root / "out/ack_1.csv").write_text("nothing\n")
    (road.house.root / "out/ack_1.csv.done").write_text("0")

    done = CliRunner().invoke(print_files, ["--once"])

    assert done.exit_code == 1
    assert "1 cannot be read" in done.output


@pytest.mark.parametrize("command", [print_batches, print_files])
def test_a_house_that_is_away_is_told_in_a_sentence(
    command: object, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_provider(road.data_dir, road.form, FakeClock(AT_THE_CUT_OFF.replace(year=2021))).order(
        a_letter()
    )
    monkeypatch.setenv("WRIT_SFTP_PORT", "1")

    done = CliRunner().invoke(command, ["--once"])  # type: ignore[arg-type]

    assert done.exit_code == 1
    assert "the print house was not reached: the line was lost" in done.output
