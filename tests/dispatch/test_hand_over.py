"""Emails of one sender leave in one call; each ends in its own way, and none is called twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from services.dispatch.providers.contract import (
    Email,
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from tests.dispatch.builders import FakeProvider, World
from tests.dispatch.entries import a_catalogue

Result = Taken | ProviderError


@dataclass
class Bulk(FakeProvider):
    """Takes up to `most` at once; what it was given in each call."""

    most: int = 3
    together: list[list[UUID]] = field(default_factory=list)
    results: list[Sequence[Result] | Exception] = field(default_factory=list)
    too_large: set[str] = field(default_factory=set)

    def fits(self, email: Email) -> bool:
        return email.subject not in self.too_large

    def send_many(self, emails: Sequence[Email]) -> list[Result]:
        ids = [one.delivery_id for one in emails]
        self.together.append(ids)
        self.calls += ids
        result = self.results.pop(0) if self.results else [Taken(provider_id=f"b-{i}") for i in ids]
        if isinstance(result, Exception):
            raise result
        return list(result)


@pytest.fixture
def bulk(world: World) -> Bulk:
    """A world whose supporters are not named in From, and who asked for no replies."""
    campaign = world.catalogue.campaigns["letters"]
    quiet = campaign.model_copy(
        update={
            "replies": "none",
            "sender": campaign.sender.model_copy(update={"show_supporter": False}),
        }
    )
    world.catalogue = a_catalogue(quiet)
    world.emails = Bulk("ses")
    return world.emails


def test_emails_of_one_sender_leave_in_one_call(world: World, bulk: Bulk) -> None:
    ids = [world.a_delivery() for _ in range(5)]

    world.deliver(*ids)

    assert [len(call) for call in bulk.together] == [3, 2]
    assert sorted(bulk.calls) == sorted(ids)
    assert {world.delivery(one).state for one in ids} == {"handed_over"}
    assert {world.delivery(one).provider_id for one in ids} == {f"b-{one}" for one in ids}


def test_one_that_is_left_over_leaves_alone(world: World, bulk: Bulk) -> None:
    world.deliver(*[world.a_delivery() for _ in range(4)])

    assert [len(call) for call in bulk.together] == [3]
    assert len(bulk.calls) == 4


def test_each_of_a_call_ends_in_its_own_way(world: World, bulk: Bulk) -> None:
    ids = sorted(world.a_delivery() for _ in range(3))
    bulk.results = [[Taken(provider_id="b"), Refused("bad address"), Unclear("no reason given")]]

    world.deliver(*ids)

    ended = {one: world.delivery(one).state for one in bulk.together[0]}
    assert list(ended.values()) == ["handed_over", "refused", "unknown"]


def test_a_call_without_an_answer_leaves_all_of_it_unknown(world: World, bulk: Bulk) -> None:
    ids = [world.a_delivery() for _ in range(3)]
    bulk.results = [OSError("reset")]

    world.deliver(*ids)

    assert {world.delivery(one).state for one in ids} == {"unknown"}
    assert len(bulk.calls) == 3


def test_a_lane_that_closes_in_one_call_stops_the_next(world: World, bulk: Bulk) -> None:
    ids = [world.a_delivery() for _ in range(5)]
    held = LaneHeld("paused", after_s=60)
    bulk.results = [[Taken(provider_id="b"), held, held]]

    world.deliver(*ids)

    assert len(bulk.calls) == 3
    states = sorted(world.delivery(one).state for one in ids)
    assert states == ["due", "due", "due", "due", "handed_over"]


def test_a_throttle_of_the_whole_call_wears_nobody_out(world: World, bulk: Bulk) -> None:
    ids = [world.a_delivery() for _ in range(3)]
    bulk.results = [TryLater("too fast", throttled=True)]

    world.deliver(*ids)

    assert len(bulk.together) == 1
    assert {world.delivery(one).state for one in ids} == {"due"}
    assert {world.delivery(one).held_reason for one in ids} == {None}


def test_a_repeat_leaves_alone_so_that_it_can_spoil_no_call_again(world: World, bulk: Bulk) -> None:
    repeats = [world.a_delivery(attempts=1) for _ in range(2)]
    new = [world.a_delivery() for _ in range(2)]

    world.deliver(*repeats, *new)

    assert [sorted(call) for call in bulk.together] == [sorted(new)]
    assert sorted(bulk.calls) == sorted([*repeats, *new])


def test_supporters_with_answers_of_their_own_leave_alone(small_world: World) -> None:
    bulk = small_world.emails = Bulk("ses")  # Reply-To is each supporter's own address
    ids = [
        small_world.a_delivery(supporter={"supporter_email": f"s{number}@people.example"})
        for number in range(2)
    ]

    small_world.deliver(*ids)

    assert bulk.together == []
    assert sorted(bulk.calls) == sorted(ids)


def test_letters_never_leave_together(world: World, bulk: Bulk) -> None:
    world.letters = Bulk("print_vendor")
    world.deliver(*[world.a_delivery(channel="letter") for _ in range(2)])

    assert world.letters.together == []
    assert len(world.letters.calls) == 2
    assert all(isinstance(one, Letter) for one in world.letters.handed)


def test_what_does_not_fit_into_a_bulk_call_leaves_alone(world: World, bulk: Bulk) -> None:
    world.deliver(world.a_delivery())
    [email] = bulk.handed
    assert isinstance(email, Email)
    bulk.too_large = {email.subject}

    world.deliver(world.a_delivery(), world.a_delivery())

    assert bulk.together == []
    assert len(bulk.handed) == 3
