"""A delivery's id survives as an address, through everything that mail programs do to one."""

from uuid import UUID

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import new_id
from shared.reply_address import LONGEST_MAILBOX, delivery_of, reply_address

DELIVERY = UUID("0190d3a0-1111-7000-8000-00000000c11e")
MAILBOX = "letters@campaign.example"


@given(st.uuids())
def test_every_id_comes_back_from_its_address(delivery: UUID) -> None:
    assert delivery_of(reply_address(MAILBOX, delivery)) == delivery


@given(delivery=st.uuids(), change=st.sampled_from([str.upper, str.title, str.swapcase]))
def test_case_means_nothing(delivery: UUID, change: object) -> None:
    assert callable(change)

    assert delivery_of(change(reply_address(MAILBOX, delivery))) == delivery


@pytest.mark.parametrize("between", ["", ".", "_"])
def test_other_marks_between_the_groups_mean_nothing(between: str) -> None:
    address = reply_address(MAILBOX, DELIVERY)

    assert delivery_of(address.replace("-", between)) == DELIVERY


def test_letters_that_look_like_digits_are_read_as_those() -> None:
    address = reply_address(MAILBOX, DELIVERY)
    local, _, domain = address.partition("@")
    mailbox, _, token = local.partition("+")

    misread = token.replace("0", "O").replace("1", "l")

    assert delivery_of(f"{mailbox}+{misread}@{domain}") == DELIVERY


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        MAILBOX,
        "letters+@campaign.example",
        "letters+news@campaign.example",
        f"letters+{'u' * 26}@campaign.example",  # no digit of this alphabet
        f"letters+{'z' * 26}@campaign.example",  # more than 128 bits
        f"letters+{DELIVERY.hex}@campaign.example",
        "letters+" + "\u0660" * 26 + "@campaign.example",
    ],
)
def test_an_address_without_a_token_names_nothing(address: str) -> None:
    assert delivery_of(address) is None


@given(st.text(max_size=80))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    found = delivery_of(text)

    assert found is None or delivery_of(reply_address(MAILBOX, found)) == found


def test_the_longest_mailbox_still_has_room_for_a_token() -> None:
    address = reply_address("m" * LONGEST_MAILBOX + "@campaign.example", new_id())

    assert len(address.partition("@")[0]) == 64
    validate_email(address, allow_smtputf8=False, strict=True, check_deliverability=False)
