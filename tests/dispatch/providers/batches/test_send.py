"""A batch reaches the house exactly once, whatever breaks, on a real OpenSSH server."""

import datetime as dt
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from services.dispatch.providers.batches.tray import Tray
from services.dispatch.providers.contract import Letter
from services.dispatch.providers.sftp_manifest import FOLDER
from shared.sftp import Distrusted, LineFault
from tests.dispatch.builders import NOON
from tests.dispatch.providers.house import (
    AT_THE_CUT_OFF,
    FORM,
    Breaks,
    Road,
    a_house,
    a_letter,
    a_pdf,
    a_road,
    cut_after,
)
from tests.servers import PrivateSshd

pytestmark = pytest.mark.slow

CALLS = 7  # on the line, for one batch; a test says so
SEND = """
import datetime as dt, sys
from functools import partial
from pathlib import Path
from services.dispatch.providers.batches.house import read_house
from services.dispatch.providers.batches.send import BatchSender
from services.dispatch.providers.batches.tray import Tray
from shared.sftp import Partner, open_line
form, folder, there, port, user, host_key = sys.argv[1:]
house = read_house(Path(form))
house = house.model_copy(update={"batches": house.batches.model_copy(update={"folder": there})})
key = sys.stdin.read()
partner = Partner(host="127.0.0.1", port=int(port), user=user, key=key, host_keys=(host_key,))
tray = Tray(Path(folder), house)
sender = BatchSender(tray=tray, house=house, open_line=partial(open_line, partner))
print(*sender.send_due(dt.datetime(2026, 6, 1, 15, 30, tzinfo=dt.UTC)).batches)
"""


@pytest.fixture
def road(sshd: PrivateSshd, tmp_path: Path) -> Road:
    return a_road(sshd, tmp_path)


def order(road: Road, number: int = 3) -> list[Letter]:
    provider, letters = road.provider(), [a_letter(pages=n % 3 + 1) for n in range(number)]
    for letter in letters:
        provider.order(letter)
    return letters


def once_each(letters: list[Letter]) -> Counter[str]:
    return Counter(str(letter.delivery_id) for letter in letters)


def at_the_house(road: Road) -> list[str]:
    return sorted(one.name for one in (road.house.root / "in").iterdir())


def test_nothing_is_sent_before_the_cut_off(road: Road) -> None:
    order(road)

    assert road.sender().send_due(NOON).batches == []

    assert at_the_house(road) == []


def test_a_batch_that_is_due_is_printed_letter_for_letter(road: Road) -> None:
    letters = order(road)

    done = road.sender().send_due(AT_THE_CUT_OFF)

    assert done.batches == at_the_house(road)
    assert road.house.receive(AT_THE_CUT_OFF) == done.batches
    assert road.house.printed() == once_each(letters)


def test_what_was_sent_is_not_sent_again(road: Road) -> None:
    letters = order(road)
    road.sender().send_due(AT_THE_CUT_OFF)
    road.house.receive(AT_THE_CUT_OFF)

    assert road.sender().send_due(AT_THE_CUT_OFF + dt.timedelta(days=1)).batches == []

    assert (at_the_house(road), road.house.printed()) == ([], once_each(letters))


def test_the_line_is_asked_as_often_as_the_next_test_breaks_it(road: Road) -> None:
    order(road)
    breaks = Breaks(0, after=False)

    road.sender(breaks).send_due(AT_THE_CUT_OFF)

    assert breaks.calls == CALLS


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_line_that_is_lost_at_any_step_leaves_one_batch(at: int, after: bool, road: Road) -> None:
    letters = order(road)
    with pytest.raises(LineFault):
        road.sender(Breaks(at, after=after)).send_due(AT_THE_CUT_OFF)
    seen_by_then = road.house.receive(AT_THE_CUT_OFF)

    road.sender().send_due(AT_THE_CUT_OFF)

    seen = seen_by_then + road.house.receive(AT_THE_CUT_OFF)
    assert len(seen) == 1
    assert road.house.printed() == once_each(letters)
    assert at_the_house(road) == []
    assert road.sender().send_due(AT_THE_CUT_OFF).batches == []


@pytest.mark.parametrize("at", [1, 4])
def test_a_line_that_is_lost_again_and_again_leaves_one_batch(at: int, road: Road) -> None:
    letters = order(road)
    for step in range(at, CALLS + 1):
        try:
            road.sender(Breaks(step, after=True)).send_due(AT_THE_CUT_OFF)
        except LineFault:
            road.house.receive(AT_THE_CUT_OFF)

    road.sender().send_due(AT_THE_CUT_OFF)
    road.house.receive(AT_THE_CUT_OFF)

    assert road.house.printed() == once_each(letters)


@pytest.mark.parametrize("step", ["mark_handing", "mark_handed", "mark_sent", "tidy"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_of_ours_at_any_step_leaves_one_batch(
    step: str, after: bool, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters, whole = order(road), getattr(Tray, step)

    def crash(*args: object) -> None:
        if after:
            whole(*args)
        raise SystemExit(9)

    monkeypatch.setattr(Tray, step, crash)
    with pytest.raises(SystemExit):
        road.sender().send_due(AT_THE_CUT_OFF)
    monkeypatch.undo()
    road.house.receive(AT_THE_CUT_OFF)

    road.sender().send_due(AT_THE_CUT_OFF)
    road.house.receive(AT_THE_CUT_OFF)

    assert road.house.printed() == once_each(letters)
    assert list((road.data_dir / FOLDER).glob("*/*.pdf")) == []


@pytest.mark.parametrize("sent_bytes", [1_000, 6_000, 40_000, 150_000, 300_000])
def test_a_connection_that_is_cut_while_letters_travel_leaves_one_batch(
    sent_bytes: int, road: Road
) -> None:
    letters = [a_letter(pdf=a_pdf(1) + b"%" * 100_000) for _ in range(4)]
    for letter in letters:
        road.provider().order(letter)

    with cut_after(sent_bytes, road.sshd.port) as port:
        cut = replace(road.sshd.partner, port=port)
        with pytest.raises(LineFault):
            road.sender_to(cut).send_due(AT_THE_CUT_OFF)
    assert road.house.receive(AT_THE_CUT_OFF) == []
    road.sender().send_due(AT_THE_CUT_OFF)
    road.house.receive(AT_THE_CUT_OFF)

    assert road.house.printed() == once_each(letters)


def test_letters_that_are_there_already_do_not_travel_again(road: Road) -> None:
    letters = order(road)
    with pytest.raises(LineFault):
        road.sender(Breaks(4, after=True)).send_due(AT_THE_CUT_OFF)  # all are there
    [filling] = (road.house.root / "in").iterdir()
    before = {file.name: file.stat().st_ino for file in filling.iterdir()}
    (filling / f"{letters[0].delivery_id}.pdf").write_bytes(b"half")
    (filling / f"{letters[1].delivery_id}.pdf.part").write_bytes(b"half")

    [batch] = road.sender().send_due(AT_THE_CUT_OFF).batches

    folder = road.house.root / "in" / batch
    after = {file.name: file.stat().st_ino for file in folder.iterdir()}
    again = {name for name in before if before[name] != after[name]}
    assert again == {f"{letters[0].delivery_id}.pdf"}
    assert after.keys() - before.keys() == {"READY"}


def test_what_is_not_there_as_it_was_sent_is_left_for_a_person_and_stops_no_other(
    sshd: PrivateSshd, tmp_path: Path
) -> None:
    road = a_road(sshd, tmp_path, most_letters=2)
    letters = order(road, 4)
    with pytest.raises(LineFault):
        road.sender(Breaks(6, after=True)).send_due(AT_THE_CUT_OFF)  # renamed, but not marked
    [first] = at_the_house(road)
    next((road.house.root / "in" / first).glob("*.pdf")).unlink()

    done = road.sender().send_due(AT_THE_CUT_OFF)

    assert done.left == [first]
    assert len(done.batches) == 1
    road.house.receive(AT_THE_CUT_OFF)
    assert len(road.house.printed() & once_each(letters)) == 2


@pytest.mark.parametrize("breaks", [Breaks(6, after=False), Breaks(7, after=True)])
def test_while_the_houses_folder_is_away_nothing_counts_as_sent(breaks: Breaks, road: Road) -> None:
    letters = order(road)
    with pytest.raises(LineFault):
        road.sender(breaks).send_due(AT_THE_CUT_OFF)  # at the rename, and at the marker
    road.house.receive(AT_THE_CUT_OFF)
    folder, elsewhere = road.house.root / "in", road.house.root / "elsewhere"
    folder.rename(elsewhere)

    away = road.sender().send_due(AT_THE_CUT_OFF)
    elsewhere.rename(folder)
    back = road.sender().send_due(AT_THE_CUT_OFF)

    assert (away.batches, back.batches) == ([], away.left)
    road.house.receive(AT_THE_CUT_OFF)
    assert road.house.printed() == once_each(letters)


def test_a_batch_that_is_gone_and_was_perhaps_never_handed_over_waits_for_a_person(
    road: Road,
) -> None:
    letters = order(road)
    with pytest.raises(LineFault):
        road.sender(Breaks(6, after=False)).send_due(AT_THE_CUT_OFF)  # not renamed
    [filling] = at_the_house(road)
    shutil.rmtree(road.house.root / "in" / filling)

    [left] = road.sender().send_due(AT_THE_CUT_OFF).left
    (road.data_dir / FOLDER / left / "handing").unlink()  # the house says that it has nothing
    again = road.sender().send_due(AT_THE_CUT_OFF)

    assert again.batches == [left]
    road.house.receive(AT_THE_CUT_OFF)
    assert road.house.printed() == once_each(letters)


def test_a_house_whose_key_is_another_gets_nothing(road: Road) -> None:
    order(road)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()

    with pytest.raises(Distrusted):
        road.sender_to(replace(road.sshd.partner, host_keys=(other,))).send_due(AT_THE_CUT_OFF)

    assert at_the_house(road) == []
    assert len(road.sender().send_due(AT_THE_CUT_OFF).batches) == 1


def test_two_processes_at_once_send_one_batch(road: Road) -> None:
    letters = order(road, 30)
    partner = road.sshd.partner
    command = [sys.executable, "-c", SEND, str(FORM), str(road.data_dir / FOLDER)]
    command += [f"{road.folder}/in", str(partner.port), partner.user, *partner.host_keys]

    def send(_number: int) -> list[str]:
        done = subprocess.run(
            command, input=partner.key, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.splitlines()[-1].split()

    with ThreadPoolExecutor() as threads:
        sent = [batch for some in threads.map(send, range(2)) for batch in some]

    assert sent == at_the_house(road)
    road.house.receive(AT_THE_CUT_OFF)
    assert road.house.printed() == once_each(letters)


def test_a_marker_beside_the_batch_is_written_where_the_house_wants_it(
    sshd: PrivateSshd, tmp_path: Path
) -> None:
    road = a_road(sshd, tmp_path, done="{batch}.done")
    order(road)

    [batch] = road.sender().send_due(AT_THE_CUT_OFF).batches

    assert at_the_house(road) == [batch, f"{batch}.done"]
    assert (road.house.root / f"in/{batch}.done").read_text().endswith("  manifest.csv\n")


def test_two_who_send_in_one_process_do_not_both_send(road: Road) -> None:
    order(road)
    tray = Tray(road.data_dir / FOLDER, a_house())

    with tray.sending() as ours:
        assert ours
        assert road.sender().send_due(AT_THE_CUT_OFF).batches == []

    assert len(road.sender().send_due(AT_THE_CUT_OFF).batches) == 1
