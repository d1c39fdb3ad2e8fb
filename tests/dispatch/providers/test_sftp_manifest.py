"""A letter for a house by SFTP is ordered when it lies durably in one batch, and in no other."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.dispatch.providers.batches.disk import Disk
from services.dispatch.providers.batches.tray import Tray
from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import ProviderError, Refused, Taken, TryLater, Unclear
from services.dispatch.providers.sftp_manifest import CAPABILITY, FOLDER
from tests.dispatch.builders import FakeClock
from tests.dispatch.providers.house import AT_THE_CUT_OFF, FORM, a_house, a_letter, a_provider

# It imports no test: that would take a process longer than its orders.
ORDER_MANY = """
import datetime as dt, sys
from pathlib import Path
from uuid import UUID
from services.dispatch.providers.batches.house import read_house
from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import Letter
from services.dispatch.providers.sftp_manifest import SftpManifest
house = read_house(Path(sys.argv[1]))
house = house.model_copy(update={"batches": house.batches.model_copy(update={"most_letters": 7})})
noon = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
provider = SftpManifest(Path(sys.argv[2]), house, clock=lambda: noon)
for id_ in sys.argv[3:]:
    letter = Letter(
        delivery_id=UUID(id_), idempotency_key="k", pdf=b"%PDF", pages=1, lines=("A",), country="BY"
    )
    print(provider.order(letter).provider_id)
"""


def batches(data_dir: Path) -> list[Path]:
    return sorted(one for one in (data_dir / FOLDER).iterdir() if (one / "due").exists())


def letters(data_dir: Path) -> list[str]:
    return [row.stem for batch in batches(data_dir) for row in batch.glob("*.json")]


def broken(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, name, fail)


def test_an_order_lies_in_the_open_batch_under_our_reference(tmp_path: Path) -> None:
    letter = a_letter(pages=3)

    taken = a_provider(tmp_path).order(letter)

    [batch] = batches(tmp_path)
    assert taken == Taken(provider_id=f"{batch.name}/{letter.delivery_id}")
    assert (batch / f"{letter.delivery_id}.pdf").read_bytes() == letter.pdf
    row = json.loads((batch / f"{letter.delivery_id}.json").read_text())
    assert (row["pages"], row["lines"]) == (3, list(letter.lines))


def test_a_repeat_is_the_same_order_also_from_another_process(tmp_path: Path) -> None:
    letter = a_letter()
    first = a_provider(tmp_path).order(letter)

    again = a_provider(tmp_path).order(replace(letter, pdf=b"%PDF rendered anew"))

    assert again == first
    assert letters(tmp_path) == [str(letter.delivery_id)]
    [batch] = batches(tmp_path)
    assert (batch / f"{letter.delivery_id}.pdf").read_bytes() == letter.pdf


def test_a_repeat_after_the_batch_was_sent_finds_it_there(tmp_path: Path) -> None:
    letter = a_letter()
    tray = Tray(tmp_path / FOLDER, a_house())
    first = a_provider(tmp_path).order(letter)
    tray.close_due(AT_THE_CUT_OFF)
    [batch] = tray.to_send()
    tray.mark_sent(batch, AT_THE_CUT_OFF)
    tray.tidy(AT_THE_CUT_OFF)

    provider = a_provider(tmp_path)
    assert provider.order(letter) == first
    assert provider.find(letter.delivery_id) == first
    assert len(batches(tmp_path)) == 1


def test_what_was_never_ordered_is_not_found(tmp_path: Path) -> None:
    assert a_provider(tmp_path).find(a_letter().delivery_id) is None


def test_a_letter_is_cancelled_until_its_batch_is_closed(tmp_path: Path) -> None:
    provider, tray = a_provider(tmp_path), Tray(tmp_path / FOLDER, a_house())
    early, late = a_letter(), a_letter()
    provider.order(early)
    provider.order(late)

    assert provider.cancel(early.delivery_id)
    assert not provider.cancel(early.delivery_id)
    tray.close_due(AT_THE_CUT_OFF)
    assert not provider.cancel(late.delivery_id)

    assert provider.find(early.delivery_id) is None
    [batch] = batches(tmp_path)
    assert str(early.delivery_id) not in (batch / "manifest").read_text()
    assert str(late.delivery_id) in (batch / "manifest").read_text()


def test_a_letter_after_the_cut_off_waits_for_the_next_one(tmp_path: Path) -> None:
    clock = FakeClock()
    provider = a_provider(tmp_path, clock=clock)
    provider.order(a_letter())

    clock.at = AT_THE_CUT_OFF
    provider.order(a_letter())

    due = sorted((batch / "due").read_text() for batch in batches(tmp_path))
    assert due == ["2026-06-01T15:30:00+00:00", "2026-06-02T15:30:00+00:00"]


@pytest.mark.parametrize(
    ("limits", "sizes"), [({"most_letters": 2}, [1, 2, 2]), ({"most_mb": 0.0015}, [1, 2, 2])]
)
def test_a_full_batch_is_closed_and_the_next_letter_begins_another(
    limits: dict[str, float], sizes: list[int], tmp_path: Path
) -> None:
    provider = a_provider(tmp_path, a_house(**limits))

    for _ in range(5):
        provider.order(a_letter(pdf=b"x" * 700))

    held = sorted(len(list(batch.glob("*.pdf"))) for batch in batches(tmp_path))
    assert held == sizes
    assert len([batch for batch in batches(tmp_path) if (batch / "manifest").exists()]) == 2


def test_a_count_that_a_power_cut_left_behind_is_not_believed(tmp_path: Path) -> None:
    house = a_house(most_letters=2)
    a_provider(tmp_path, house).order(a_letter())
    a_provider(tmp_path, house).order(a_letter())
    [batch] = batches(tmp_path)
    (tmp_path / FOLDER / "lock").write_text(json.dumps([batch.name, 0, 0]))

    a_provider(tmp_path, house).order(a_letter())

    assert len(batches(tmp_path)) == 2


def test_many_processes_share_a_batch_and_each_letter_is_in_one(tmp_path: Path) -> None:
    ids = [str(a_letter().delivery_id) for _ in range(20)]

    def order(mine: list[str]) -> list[str]:
        command = [sys.executable, "-c", ORDER_MANY, str(FORM), str(tmp_path), *mine]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.split()

    # Each letter is ordered by both, in opposite orders.
    with ThreadPoolExecutor() as threads:
        told = list(threads.map(order, [ids, ids[::-1]]))

    assert sorted(letters(tmp_path)) == sorted(ids)
    assert {frozenset(one) for one in told} == {frozenset(told[0])}
    assert [len(list(batch.glob("*.pdf"))) for batch in batches(tmp_path)].count(7) == 2


def test_a_full_disk_means_not_sent_and_leaves_no_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = a_letter()
    broken(monkeypatch, Disk, "stage")

    with pytest.raises(TryLater, match="no batch could take it: OSError"):
        a_provider(tmp_path).order(letter)

    monkeypatch.undo()
    assert a_provider(tmp_path).find(letter.delivery_id) is None


def test_a_disk_that_fails_after_the_letter_is_in_is_unclear_and_a_repeat_settles_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = a_letter()
    tray = "services.dispatch.providers.batches.tray"
    provider = a_provider(tmp_path)
    provider.order(a_letter())
    monkeypatch.setattr(f"{tray}.sync", _raise)

    with pytest.raises(Unclear):
        provider.order(letter)

    monkeypatch.undo()
    assert provider.order(letter) == provider.find(letter.delivery_id)
    assert len(letters(tmp_path)) == 2


def _raise(_folder: Path) -> None:
    raise OSError(5, "Input/output error")


def test_half_a_letter_that_a_crash_left_is_in_no_manifest(tmp_path: Path) -> None:
    provider, tray = a_provider(tmp_path), Tray(tmp_path / FOLDER, a_house())
    whole, half = a_letter(), a_letter()
    provider.order(whole)
    [batch] = batches(tmp_path)
    (batch / f"{half.delivery_id}.pdf").write_bytes(half.pdf)

    assert provider.find(half.delivery_id) is None
    tray.close_due(AT_THE_CUT_OFF)

    assert [name for name in tray.content(batch.name)[1]] == [f"{whole.delivery_id}.pdf"]
    later = a_provider(tmp_path, clock=FakeClock(AT_THE_CUT_OFF))
    assert later.order(half).provider_id.partition("/")[0] != batch.name


def test_a_letter_that_the_disk_has_lost_is_in_no_manifest_and_the_log_names_it(
    tmp_path: Path,
) -> None:
    provider, tray = a_provider(tmp_path), Tray(tmp_path / FOLDER, a_house())
    well, lost = a_letter(), a_letter()
    provider.order(well)
    provider.order(lost)
    [batch] = batches(tmp_path)
    (batch / f"{lost.delivery_id}.pdf").unlink()

    with capture_logs() as said:
        tray.close_due(AT_THE_CUT_OFF)

    assert [(line["event"], line["delivery_id"]) for line in said] == [
        ("letter_lost", str(lost.delivery_id))
    ]
    assert str(lost.delivery_id) not in (batch / "manifest").read_text()
    assert str(well.delivery_id) in (batch / "manifest").read_text()
    assert provider.find(lost.delivery_id) is None


def test_a_batch_that_cannot_be_written_as_the_house_wants_it_stops_no_other(
    tmp_path: Path,
) -> None:
    house = a_house(most_letters=1)
    narrow = house.model_copy(
        update={"manifest": house.manifest.model_copy(update={"encoding": "latin-1"})}
    )
    polish = a_letter(lines=("Łódź", "POLAND"), country="PL")
    a_provider(tmp_path, house).order(polish)
    tray, well = Tray(tmp_path / FOLDER, narrow), a_letter()

    with capture_logs() as said:
        a_provider(tmp_path, narrow).order(well)
        tray.close_due(AT_THE_CUT_OFF)

    assert {line["event"] for line in said} == {"batch_not_closed"}
    [closed] = tray.to_send()
    assert str(well.delivery_id) in tray.content(closed)[0].read_text()
    Tray(tmp_path / FOLDER, house).close_due(AT_THE_CUT_OFF)
    assert len(tray.to_send()) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lines": tuple("1234567")}, "the address has 7 lines, the manifest holds 6"),
        ({"pages": 11}, "11 pages of a4 go into no batch"),
        ({"format": Format.POSTCARD_A6}, "1 pages of postcard_a6 go into no batch"),
        ({"lines": ("a\nb",)}, "control character"),
        ({"lines": ("Łódź",)}, "U\\+0141, unknown to latin-1"),
    ],
)
def test_what_no_batch_can_hold_is_refused_at_once(
    changes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    house = a_house()
    house = house.model_copy(
        update={"manifest": house.manifest.model_copy(update={"encoding": "latin-1"})}
    )

    with pytest.raises(Refused, match=why):
        a_provider(tmp_path, house).order(replace(a_letter(), **changes))

    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize(
    "ask",
    [lambda one, id_: one.find(id_), lambda one, id_: one.cancel(id_)],
    ids=["find", "cancel"],
)
def test_batches_that_cannot_be_read_are_unclear(
    ask: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = a_provider(tmp_path)
    provider.order(a_letter())
    broken(monkeypatch, os, "scandir")

    with pytest.raises(ProviderError) as raised:
        ask(provider, a_letter().delivery_id)

    monkeypatch.undo()
    assert isinstance(raised.value, Unclear)


def test_letters_of_what_was_sent_are_deleted_and_its_names_stay_for_a_while(
    tmp_path: Path,
) -> None:
    letter, tray = a_letter(), Tray(tmp_path / FOLDER, a_house())
    a_provider(tmp_path).order(letter)
    tray.close_due(AT_THE_CUT_OFF)
    [batch] = tray.to_send()
    tray.mark_sent(batch, AT_THE_CUT_OFF)

    tray.tidy(AT_THE_CUT_OFF)
    [left] = batches(tmp_path)
    kept = {file.name: file.stat().st_size for file in left.iterdir()}
    assert kept.keys() == {"due", "sent", f"{letter.delivery_id}.json"}
    assert kept[f"{letter.delivery_id}.json"] == 0

    tray.tidy(AT_THE_CUT_OFF.replace(year=2027))
    assert batches(tmp_path) == []


def test_a_batch_out_of_which_everything_was_taken_is_thrown_away(tmp_path: Path) -> None:
    letter, provider = a_letter(), a_provider(tmp_path)
    provider.order(letter)
    provider.cancel(letter.delivery_id)

    Tray(tmp_path / FOLDER, a_house()).close_due(AT_THE_CUT_OFF)

    assert batches(tmp_path) == []


def test_what_crashes_left_in_the_corner_is_swept_after_a_day(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    left = disk.stage(b"half a letter")
    (disk.corner() / "folder").mkdir()
    made = left.stat().st_mtime

    disk.sweep(made + 3600)
    assert left.exists()
    disk.sweep(made + 90_000)

    assert list(disk.corner().iterdir()) == []


def test_what_moves_away_while_the_corner_is_swept_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path)
    moved, left = disk.stage(b"a letter"), disk.stage(b"half a letter")
    later = left.stat().st_mtime + 90_000
    monkeypatch.setattr(Path, "iterdir", lambda _corner: iter([moved, left]))
    moved.replace(tmp_path / "letter.pdf")

    disk.sweep(later)

    assert not left.exists()


def test_the_vendor_promises_no_more_than_its_form_holds() -> None:
    assert CAPABILITY.most_lines == a_house().manifest.lines
    assert CAPABILITY.prints(Format.A4, 2)
    assert not CAPABILITY.prints(Format.POSTCARD_A6, 1)
