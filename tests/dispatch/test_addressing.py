"""An address is set out for the vendor that prints it; what does not fit waits for a person."""

from dataclasses import replace

import pytest

from services.dispatch.addressing import remarks, set_out
from services.dispatch.due import Due, Hold
from services.dispatch.prepare import Preparer
from services.dispatch.providers.capability import (
    AddressMode,
    Capability,
    Format,
    Grain,
    Price,
    Repeat,
)
from services.dispatch.providers.contract import Letter
from shared.addresses import Addressee
from shared.catalogue import Holder
from shared.countries import CountryNames
from tests.dispatch.builders import NOON, FakePress, a_due
from tests.dispatch.entries import INVENTED, a_catalogue, a_recipient, an_address

VENDOR = Capability(
    most_pages={Format.A4: 4},
    most_mb=5,
    address=AddressMode.WINDOW,
    most_lines=6,
    most_columns=40,
    cancel_s=None,
    repeat=Repeat.KEY,
    price=Price.RATE_CARD,
    grain=Grain.PIECE,
    source="invented",
)
FIELDS = replace(VENDOR, address=AddressMode.FIELDS)
NARROW = replace(VENDOR, most_columns=12)
LOCAL = an_address(local_lines=("220000, г. Минск",))


def letter(due: Due, vendor: Capability | None, holder: str = "") -> tuple[Letter, str | None]:
    holders = (Holder(name=holder, salutations={"en": "Dear"}, source=INVENTED),) if holder else ()
    catalogue = a_catalogue(a_recipient(addresses=(LOCAL,), holders=holders))
    prepared = Preparer(lambda: catalogue, FakePress(), lambda _due: vendor).prepare(due, NOON)
    assert isinstance(prepared.handover, Letter)
    return prepared.handover, prepared.remark


def test_the_vendors_own_limits_hold() -> None:
    block = set_out(an_address(), Addressee(office="Office"), NARROW)

    assert block.lines == ("Office", "1 Invented", "Street", "220000 Minsk", "BELARUS")


def test_what_does_not_fit_is_held_and_quotes_nothing() -> None:
    with pytest.raises(Hold) as held:
        set_out(an_address(lines=("Secretstreet42",)), Addressee(office="Office"), NARROW)

    assert str(held.value) == (
        "Line 1 of the address is longer than 12 characters, and has no place to break."
    )


@pytest.mark.parametrize(("vendor", "shown"), [(VENDOR, True), (FIELDS, False), (None, False)])
def test_the_local_script_is_printed_where_the_window_is_ours(
    vendor: Capability | None, *, shown: bool
) -> None:
    made, remark = letter(a_due(channel="letter"), vendor)

    assert (made.lines[0] == "220000, г. Минск") is shown
    assert made.lines[-1] == "BELARUS"
    assert remark is None


def test_what_found_no_room_is_told_in_the_timeline() -> None:
    tight = replace(VENDOR, most_lines=4)

    made, remark = letter(a_due(channel="letter"), tight, holder="A. Holder")

    assert len(made.lines) == 4
    assert remark == (
        "The address names the office alone: there is no room for the holder's name."
        " The address is in Latin letters alone: its own script finds no room."
    )
    assert list(remarks(set_out(an_address(), Addressee(office="Office")))) == []


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        (
            replace(VENDOR, not_served=frozenset({"BY"})),
            "The print vendor sends nothing to Belarus: it takes another vendor, or a way round"
            " in the case's paper_fallback.",
        ),
        (
            replace(VENDOR, most_pages={Format.A4: 1}),
            "The letter has 2 pages of a4; its vendor prints 1 at most.",
        ),
        (
            replace(VENDOR, most_pages={Format.US_LETTER: 12}),
            "The letter has 2 pages of a4; its vendor prints 0 at most.",
        ),
    ],
)
def test_what_its_vendor_cannot_print_or_post_is_held(vendor: Capability, reason: str) -> None:
    with pytest.raises(Hold) as held:
        letter(a_due(channel="letter"), vendor)

    assert str(held.value) == reason


def test_a_campaign_says_in_which_language_its_post_reads_countries() -> None:
    campaign = a_catalogue().campaigns["letters"]
    sender = campaign.sender.model_copy(update={"country_names": CountryNames.BOTH})
    catalogue = a_catalogue(campaign.model_copy(update={"sender": sender}))

    prepared = Preparer(lambda: catalogue, FakePress()).prepare(a_due(channel="letter"), NOON)

    assert prepared.address.splitlines()[-1] == "BELARUS / BÉLARUS"
