"""The sandbox's suppression list, through our own adapter and an unmodified boto3."""

import pytest
from botocore.exceptions import ClientError

from services.dispatch.providers.contract import TryLater
from services.dispatch.providers.ses import Ses
from tests.sandbox.world import Listener, World

OFFICE = "office@ministry.example"


def told(world: World, listener: Listener) -> list[str]:
    """What became of one email to the office."""
    world.send(to=OFFICE)
    events = [got.event for got in listener.wait_for(2)]
    return sorted(one.get("bounce", {}).get("bounceSubType", one["eventType"]) for one in events)


def test_what_goes_to_a_listed_address_is_taken_and_thrown_away(
    world: World, listener: Listener
) -> None:
    Ses(world.ses, "writ").suppress(OFFICE.title(), complaint=False)

    assert told(world, listener) == ["OnAccountSuppressionList", "Send"]


def test_an_address_that_was_taken_off_gets_email_again(world: World, listener: Listener) -> None:
    ses = Ses(world.ses, "writ")
    ses.suppress(OFFICE, complaint=True)

    ses.unsuppress(OFFICE)
    ses.unsuppress(OFFICE)  # it is not on the list any more

    assert told(world, listener) == ["Delivery", "Send"]


def test_taking_off_needs_the_exact_spelling(world: World) -> None:
    world.ses.put_suppressed_destination(EmailAddress=OFFICE, Reason="BOUNCE")

    with pytest.raises(ClientError, match="NotFoundException"):
        world.ses.delete_suppressed_destination(EmailAddress=OFFICE.upper())


def test_a_throttle_says_later(world: World) -> None:
    world.faults(ses_account=[{"kind": "throttle", "next": 1}])

    with pytest.raises(TryLater):
        Ses(world.ses, "writ").suppress(OFFICE, complaint=False)


def test_an_address_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match="BadRequestException"):
        world.ses.put_suppressed_destination(EmailAddress="nobody", Reason="BOUNCE")
