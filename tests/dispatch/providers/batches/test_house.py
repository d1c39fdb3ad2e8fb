"""A print house's form is read once, and every fault in it is told before a letter is taken."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.dispatch.providers.batches.house import read_house
from shared.settings import SettingError
from tests.dispatch.providers.house import FORM, a_house

BERLIN = ZoneInfo("Europe/Berlin")


def berlin(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = FORM.read_text()
    assert old in text
    path = tmp_path / "house.toml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("after", "cut_off"),
    [
        (berlin(2026, 6, 1, 12), berlin(2026, 6, 1, 17, 30)),
        (berlin(2026, 6, 1, 17, 30), berlin(2026, 6, 2, 17, 30)),  # that one is over
        (berlin(2026, 6, 5, 18), berlin(2026, 6, 8, 17, 30)),  # over the weekend
        # The night in between is an hour shorter, or longer: their clock counts.
        (berlin(2026, 3, 27, 18), berlin(2026, 3, 30, 17, 30)),
        (berlin(2026, 10, 23, 18), berlin(2026, 10, 26, 17, 30)),
    ],
)
def test_the_next_cut_off_is_by_the_clock_of_the_house(
    after: dt.datetime, cut_off: dt.datetime
) -> None:
    told = a_house().next_cut_off(after.astimezone(dt.UTC))

    assert told == cut_off.astimezone(dt.UTC)


def test_a_house_may_take_batches_every_hour_also_when_the_clock_is_changed() -> None:
    hourly = a_house(cut_offs=tuple(dt.time(hour) for hour in range(24)), days=("sun",))
    moment = berlin(2026, 10, 25, 0, 30).astimezone(dt.UTC)
    told = []
    for _ in range(4):
        moment = hourly.next_cut_off(moment)
        told.append(f"{moment.astimezone(BERLIN):%H:%M %Z}")

    # The hour that comes twice has one cut-off, its first.
    assert told == ["01:00 CEST", "02:00 CEST", "03:00 CET", "04:00 CET"]


def test_a_letter_has_the_class_and_the_sheets_that_the_house_counts() -> None:
    house = a_house()

    assert (house.class_of("DE"), house.class_of("BY")) == ("standard", "priority")
    assert [house.sheets(pages) for pages in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Europe/Berlin", "Europe/Nowhere", "house.time_zone: .* is no time zone"),
        ('theirs = "reference"\nours = "reference"', 'theirs = "r"\nours = "=x"', "our reference"),
        ('ours = "pages"', 'ours = "size"', "'size' is none of"),
        ('encoding = "utf-8"', 'encoding = "utf-88"', "'utf-88' is no encoding"),
        ('"{batch}/READY"', '"READY"', "must hold {batch}"),
        ("most_letters = 2000", "most_letters = 0", "batches.most_letters"),
        ('form = "csv"', 'form = "xml"\nroot = "a b"', "manifest.root"),
        ("duplex = true", "duplex = true\ncolour = true", "house.colour: Extra inputs"),
        ("duplex = true", "duplex =", "cannot be read"),
    ],
)
def test_a_fault_in_the_form_is_told(old: str, new: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=fault):
        read_house(changed(tmp_path, old, new))


def test_a_column_that_cannot_be_an_element_is_told_for_xml(tmp_path: Path) -> None:
    path = changed(tmp_path, 'form = "csv"', 'form = "xml"')
    path.write_text(path.read_text().replace('theirs = "pages"', 'theirs = "number of pages"'))

    with pytest.raises(SettingError, match="'number of pages' can be no element"):
        read_house(path)


def test_a_form_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere.toml cannot be read"):
        read_house(tmp_path / "nowhere.toml")
