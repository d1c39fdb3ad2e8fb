"""Pingen in the sandbox: whatever goes wrong, its own count of letters is exactly ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    NotSent,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)
from services.dispatch.providers.pingen import Pingen
from services.dispatch.vendor_settings.pingen import PingenSettings
from services.sandbox.faults import WireFault
from services.sandbox.pingen_letter import ORGANISATION
from shared.clock import new_id
from tests.sandbox.pingen_world import MINISTER, PingenWorld, a_letter_pdf, a_pingen
from tests.sandbox.world import API_KEY

# Of the call that orders: how it ends, and how many letters there are then.
FAULTS: dict[str, tuple[type[ProviderError], int]] = {
    "throttle": (TryLater, 0),
    "no_credit": (LaneHeld, 0),
    "forbidden": (LaneHeld, 0),
    "rejected": (Refused, 0),
    "500": (Unclear, 0),
    "503": (Unclear, 0),
    WireFault.STALL: (Unclear, 0),
    WireFault.STALL_AFTER: (Unclear, 1),
    WireFault.RESET_BEFORE: (Unclear, 0),
    WireFault.RESET_AFTER: (Unclear, 1),
    WireFault.ERROR_AFTER: (Unclear, 1),
    WireFault.GARBAGE_AFTER: (Unclear, 1),
}
UNCLEAR = [kind for kind, (error, _) in FAULTS.items() if error is Unclear]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PingenWorld]:
    with a_pingen(tmp_path) as world:
        yield world


@pytest.fixture
def vendor(world: PingenWorld) -> Pingen:
    return a_vendor(world)


def a_vendor(world: PingenWorld) -> Pingen:
    settings = PingenSettings(
        url=world.url,
        identity_url=world.url,
        client_id="us",
        client_secret=API_KEY,
        organisation=ORGANISATION,
        product="cheap",
    )
    return Pingen(settings, connect_timeout_s=0.5, read_timeout_s=0.5)


def a_letter(pdf: bytes | None = None) -> Letter:
    delivery_id = new_id()
    return Letter(
        delivery_id=delivery_id,
        idempotency_key=str(delivery_id),
        pdf=pdf or a_letter_pdf(),
        pages=2,
        lines=MINISTER,
        country="CH",
    )


@pytest.mark.parametrize("kind", FAULTS)
def test_how_an_order_ended_is_what_it_says(world: PingenWorld, vendor: Pingen, kind: str) -> None:
    error, taken = FAULTS[kind]
    world.goes_wrong(pingen=[{"kind": kind, "next": 1, "seconds": 30}])

    with pytest.raises(error):
        vendor.order(a_letter())

    assert world.kept() == taken


@pytest.mark.parametrize("kind", UNCLEAR)
def test_an_unclear_order_that_is_repeated_makes_one_letter(
    world: PingenWorld, vendor: Pingen, kind: str
) -> None:
    letter = a_letter()
    world.goes_wrong(pingen=[{"kind": kind, "next": 1, "seconds": 30}])
    with pytest.raises(Unclear):
        vendor.order(letter)

    again = vendor.order(letter)

    assert world.kept() == 1
    found = vendor.find(letter.delivery_id)
    assert found is not None
    assert found.provider_id == again.provider_id


@pytest.mark.parametrize("kind", UNCLEAR)
def test_asking_by_our_reference_tells_what_was_taken(
    world: PingenWorld, vendor: Pingen, kind: str
) -> None:
    letter = a_letter()
    world.goes_wrong(pingen=[{"kind": kind, "next": 1, "seconds": 30}])
    with pytest.raises(Unclear):
        vendor.order(letter)

    found = vendor.find(letter.delivery_id)

    assert (found is not None) == (FAULTS[kind][1] == 1)
    assert world.kept() == FAULTS[kind][1]


def test_a_repeat_that_looks_otherwise_finds_the_letter_that_is_there(
    world: PingenWorld, vendor: Pingen
) -> None:
    """Set anew on another day a PDF has other bytes: Pingen's 409 then names no letter."""
    letter = a_letter()
    first = vendor.order(letter)

    again = vendor.order(replace(letter, pdf=a_letter_pdf(pages=4), pages=4))

    assert again.provider_id == first.provider_id
    assert world.kept() == 1


@pytest.mark.parametrize("lane", ["pingen_files", "pingen_identity"])
@pytest.mark.parametrize("kind", ["500", "throttle", *WireFault])
def test_nothing_before_the_order_makes_a_letter(
    world: PingenWorld, vendor: Pingen, lane: str, kind: str
) -> None:
    letter = a_letter()
    world.goes_wrong(**{lane: [{"kind": kind, "next": 1, "seconds": 30}]})

    with pytest.raises(NotSent):
        vendor.order(letter)

    assert world.kept() == 0
    vendor.order(letter)
    assert world.kept() == 1


def test_while_the_storage_answers_nobody_nothing_is_ordered(
    world: PingenWorld, vendor: Pingen
) -> None:
    world.goes_wrong(pingen_files=[{"kind": "reset_after", "share": 1.0}])

    with pytest.raises(NotSent):
        vendor.order(a_letter())

    assert not [call for call in world.calls if call.endswith("/letters")]


class TestTokens:
    def test_one_that_ends_in_the_middle_of_an_order_is_renewed(
        self, world: PingenWorld, vendor: Pingen
    ) -> None:
        world.goes_wrong(pingen=[{"kind": "unauthorized", "next": 1}])

        vendor.order(a_letter())

        assert world.kept() == 1
        assert [call.rpartition("/")[2] for call in world.calls if "uploads" not in call] == [
            *("access-tokens", "file-upload", "letters"),
            *("access-tokens", "letters"),
        ]

    def test_a_pingen_that_has_forgotten_all_of_them_is_asked_for_another(
        self, world: PingenWorld, vendor: Pingen
    ) -> None:
        vendor.order(a_letter())
        world.desk.tokens.clear()

        vendor.order(a_letter())

        assert world.kept() == 2

    def test_one_that_is_never_taken_holds_the_lane_and_makes_no_letter(
        self, world: PingenWorld, vendor: Pingen
    ) -> None:
        world.goes_wrong(pingen=[{"kind": "unauthorized", "share": 1.0}])

        with pytest.raises(LaneHeld):
            vendor.order(a_letter())

        assert world.kept() == 0
        assert world.calls.count("POST /pingen/auth/access-tokens") == 2

    def test_many_workers_share_one(self, world: PingenWorld, vendor: Pingen) -> None:
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(vendor.order, [a_letter() for _ in range(8)]))

        assert world.kept() == 8
        assert world.calls.count("POST /pingen/auth/access-tokens") == 1


class TestAfterwards:
    def test_the_price_is_read_back_once_it_was_validated(
        self, world: PingenWorld, vendor: Pingen
    ) -> None:
        taken = vendor.order(a_letter())
        world.wait_for(taken.provider_id, "sent")

        seen = vendor.look(taken.provider_id)

        assert taken.price_minor is None
        assert seen.status == "sent"
        assert (seen.taken.price_minor, seen.taken.currency) == (163, "CHF")

    def test_too_late_to_cancel_is_refused(self, world: PingenWorld, vendor: Pingen) -> None:
        taken = vendor.order(a_letter())
        world.wait_for(taken.provider_id, "sent")

        with pytest.raises(Refused, match="cannot be cancelled"):
            vendor.cancel(taken.provider_id)

    def test_before_that_it_is_cancelled(self, tmp_path: Path) -> None:
        with a_pingen(tmp_path / "slow", receipt_delay_s=(60.0, 60.0)) as world:
            vendor = a_vendor(world)
            taken = vendor.order(a_letter())

            vendor.cancel(taken.provider_id)

            assert vendor.look(taken.provider_id).status == "cancelled"
