"""Lob as the sandbox plays it: whatever goes wrong, it took as many pieces as we may think."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.dispatch.hand_over import _order
from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)
from services.dispatch.providers.lob import Lob
from services.sandbox import lob as sandbox
from services.sandbox.lob_mail import SENDER
from tests.dispatch.providers.lob_line import LINES, a_letter
from tests.sandbox.lob_world import CARD, LobWorld, a_lob, pages
from tests.sandbox.world import API_KEY

PRINTED = pages(2)
TAKEN_IN_SECRET = ["stall_after", "reset_after", "500_after", "garbage_after"]
NOT_TAKEN: list[tuple[str, type[ProviderError]]] = [
    ("stall", Unclear),
    ("reset_before", Unclear),
    ("500", Unclear),
    ("503", Unclear),
    ("conflict", Unclear),
    ("throttle", TryLater),
    ("unauthorized", LaneHeld),
    ("unpaid", LaneHeld),
    ("no_billing_address", LaneHeld),
    ("suspended", Refused),
    ("undeliverable", Refused),
    ("fonts", Refused),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LobWorld]:
    with a_lob(tmp_path) as world:
        yield world


def a_vendor(world: LobWorld, *, patience_s: float = 10) -> Lob:
    return Lob(
        world.url,
        API_KEY,
        from_address=SENDER.id,
        connect_timeout_s=patience_s,
        read_timeout_s=patience_s,
    )


def an_impatient(world: LobWorld, fault: str) -> Lob:
    """For a call that is never answered; its address was made in peace."""
    vendor = a_vendor(world, patience_s=1 if fault.startswith("stall") else 10)
    known = a_vendor(world)
    known._address_id(_address())
    vendor._addresses = known._addresses
    return vendor


def _address() -> dict[str, str]:
    names = ("name", "address_line1", "address_city")
    return {**dict(zip(names, LINES, strict=False)), "address_country": "BY"}


def letter(**changes: object) -> Letter:
    return a_letter(pdf=PRINTED, **changes)


def test_every_fault_of_the_sandbox_is_tried() -> None:
    assert {*TAKEN_IN_SECRET, *(kind for kind, _ in NOT_TAKEN)} == sandbox.KINDS


def test_a_letter_is_taken_as_it_was_meant(world: LobWorld) -> None:
    one = letter()

    taken = a_vendor(world).order(one)

    (piece,) = world.taken()
    assert (piece.id, piece.kind, piece.pages) == (taken.provider_id, "letter", 2)
    assert piece.metadata == {"delivery_id": str(one.delivery_id)}
    assert (*piece.to.lines, piece.to.country) == (*LINES[:-1], "BY")
    assert piece.asked["double_sided"] == "true"


def test_a_postcard_is_taken_with_its_two_sides(world: LobWorld) -> None:
    card = a_letter(pdf=pages(2, CARD), format=Format.POSTCARD_4X6)

    taken = a_vendor(world).order(card)

    (piece,) = world.taken()
    assert (piece.id, piece.kind, piece.pages) == (taken.provider_id, "postcard", 2)
    assert a_vendor(world).find(card.delivery_id) == taken


@pytest.mark.parametrize("fault", TAKEN_IN_SECRET)
def test_what_was_taken_in_secret_is_unclear_and_found(world: LobWorld, fault: str) -> None:
    one, vendor = letter(), an_impatient(world, fault)
    world.goes_wrong(fault)

    with pytest.raises(Unclear):
        vendor.order(one)

    (piece,) = world.taken()
    found = _order(one, a_vendor(world), unclear_before=True)
    assert found.provider_id == piece.id
    assert len(world.taken()) == 1


@pytest.mark.parametrize(("fault", "meaning"), NOT_TAKEN)
def test_what_was_not_taken_leaves_once_the_fault_is_over(
    world: LobWorld, fault: str, meaning: type[ProviderError]
) -> None:
    one, vendor = letter(), an_impatient(world, fault)
    world.goes_wrong(fault)

    with pytest.raises(ProviderError) as caught:
        vendor.order(one)

    assert type(caught.value) is meaning
    assert world.taken() == []
    _order(one, a_vendor(world), unclear_before=True)
    assert len(world.taken()) == 1


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        *((fault, TryLater) for fault in ["500", "500_after", "garbage_after", "reset_after"]),
        *((fault, TryLater) for fault in ["throttle", "reset_before", "conflict"]),
        ("unpaid", LaneHeld),
        ("undeliverable", Refused),
    ],
)
def test_without_its_address_no_letter_leaves(
    world: LobWorld, fault: str, meaning: type[ProviderError]
) -> None:
    world.goes_wrong(fault, lane=sandbox.ADDRESSES)

    with pytest.raises(ProviderError) as caught:
        a_vendor(world).order(letter())

    assert type(caught.value) is meaning
    assert world.taken() == []


def test_the_same_order_twice_is_one_letter(world: LobWorld) -> None:
    one = letter()

    first, again = a_vendor(world).order(one), a_vendor(world).order(one)

    assert first == again
    assert len(world.taken()) == 1
    assert world.addresses() == 2  # harmless: each process makes its own


def test_after_the_keys_life_the_letter_is_found_and_not_printed_twice(tmp_path: Path) -> None:
    with a_lob(tmp_path, idempotency_life_s=0) as world:
        one, vendor = letter(), a_vendor(world)
        world.goes_wrong("reset_after")
        with pytest.raises(Unclear):
            vendor.order(one)

        found = _order(one, vendor, unclear_before=True)

        (piece,) = world.taken()
        assert found.provider_id == piece.id
        # What the question before it has saved us from: to Lob the key is a new one.
        vendor.order(one)
        assert len(world.taken()) == 2


def test_a_letter_is_cancelled_while_its_window_is_open(world: LobWorld) -> None:
    one, vendor = letter(), a_vendor(world)
    taken = vendor.order(one)

    assert vendor.cancel(taken.provider_id)
    assert vendor.cancel(taken.provider_id)

    assert [piece.deleted for piece in world.taken()] == [True]
    with pytest.raises(Refused, match="cancelled"):
        _order(one, vendor, unclear_before=True)
    with pytest.raises(Refused, match="cancelled"):
        vendor.order(one)


def test_a_letter_whose_window_is_over_stays(tmp_path: Path) -> None:
    with a_lob(tmp_path, cancel_s=0) as world:
        vendor = a_vendor(world)
        taken = vendor.order(letter())
        time.sleep(0.01)

        assert not vendor.cancel(taken.provider_id)
        assert [piece.deleted for piece in world.taken()] == [False]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pdf": b"no pdf"}, "invalid_file"),
        ({"pdf": pages(1, (595, 842))}, "invalid_file_dimensions"),
        ({"pdf": pages(13)}, "file_pages_exceed_max"),
    ],
)
def test_a_pdf_that_lob_cannot_print_is_refused(
    world: LobWorld, changes: dict[str, bytes], code: str
) -> None:
    with pytest.raises(Refused, match=code):
        a_vendor(world).order(a_letter(**changes))

    assert world.taken() == []


def test_an_account_that_is_not_ours_takes_nothing(world: LobWorld) -> None:
    stranger = Lob(
        world.url, "test_other", from_address=SENDER.id, connect_timeout_s=10, read_timeout_s=10
    )

    with pytest.raises(LaneHeld, match="invalid_api_key"):
        stranger.order(letter())

    assert world.addresses() == 0


def test_a_sender_abroad_holds_the_lane(world: LobWorld) -> None:
    abroad, _ = a_vendor(world)._address_id(_address())
    vendor = Lob(world.url, API_KEY, from_address=abroad, connect_timeout_s=10, read_timeout_s=10)

    with pytest.raises(LaneHeld, match="foreign_return_address"):
        vendor.order(letter())
