"""Parcels hold what their limits let them, in order, and nothing is left over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rendering.faults import TooLong
from services.dispatch.rendering.parcels import ParcelLimits, pack


def contents(letters: int) -> int:
    return -(-letters // 100)


@given(
    pages=st.lists(st.integers(1, 2), max_size=120),
    grams=st.integers(90, 700),
    most=st.integers(7, 200),
    duplex=st.booleans(),
)
def test_every_letter_goes_into_one_parcel_and_no_parcel_is_too_heavy(
    pages: list[int], grams: int, most: int, duplex: bool
) -> None:
    limits = ParcelLimits(grams=grams, pages=most, duplex=duplex)

    parcels = pack(pages, limits, contents=contents)

    assert [number for parcel in parcels for number in parcel] == list(range(len(pages)))
    for parcel in parcels:
        held = limits.padded(2) + limits.padded(contents(len(parcel)))
        held += sum(limits.padded(pages[number]) for number in parcel)
        assert len(parcel) > 0
        assert limits.weight(held) <= grams
        assert held <= most


def test_a_parcel_is_filled_before_the_next_begins() -> None:
    limits = ParcelLimits(grams=60 + 5 * 13)  # cover 2, contents 1, ten letters

    assert pack([1] * 25, limits, contents=contents) == [range(10), range(10, 20), range(20, 25)]


def test_on_both_sides_of_the_paper_two_pages_weigh_one_sheet() -> None:
    limits = ParcelLimits(duplex=True)

    assert (limits.sheets(2), limits.padded(1), limits.weight(4)) == (1, 2, 70)
    assert (ParcelLimits().sheets(2), ParcelLimits().padded(1)) == (2, 1)


def test_a_parcel_that_does_not_hold_one_letter_is_refused() -> None:
    with pytest.raises(TooLong):
        pack([1, 2], ParcelLimits(grams=79), contents=contents)
    with pytest.raises(TooLong):
        pack([1, 2], ParcelLimits(pages=4), contents=contents)


def test_no_letters_are_no_parcel() -> None:
    assert pack([], ParcelLimits(), contents=contents) == []
