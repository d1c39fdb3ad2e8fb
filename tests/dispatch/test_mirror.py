"""The provider's own stop list follows ours: one call a second, and never a wrong address."""

import datetime as dt
from dataclasses import dataclass, field

import pytest

from services.dispatch.documents import Documents
from services.dispatch.mirror import AFTER_FAULT, Mirror
from services.dispatch.providers.contract import ProviderError, TryLater
from services.dispatch.relay import Relay
from shared.broker import make_broker
from shared.catalogue import Catalogue
from shared.tables.pacing import mailbox_key, stops
from tests.dispatch.builders import World, dispatch_settings
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.dispatch.test_stops import KEY, command, stop, waits

OFFICE = "office@prosecutor.example"


@dataclass
class FakeList:
    """Writes down what it is told, and fails as often as it is asked to."""

    name: str = "ses"
    told: list[tuple[str, str]] = field(default_factory=list)
    faults: list[ProviderError] = field(default_factory=list)

    def suppress(self, email: str, *, complaint: bool) -> None:
        self._tell("complaint" if complaint else "bounce", email)

    def unsuppress(self, email: str) -> None:
        self._tell("off", email)

    def _tell(self, word: str, email: str) -> None:
        if self.faults:
            raise self.faults.pop()
        self.told.append((word, email))


@dataclass
class Tended:
    """A mirror in a world whose clock goes on."""

    world: World
    provider: FakeList = field(default_factory=FakeList)

    def __post_init__(self) -> None:
        self.mirror = Mirror(self.world.database, self.provider)

    def tend(self, *, seconds: float = 2) -> bool:
        self.world.clock.pass_s(seconds)
        return self.mirror.tend(self.world.catalogue, self.world.clock())

    def tend_all(self) -> list[tuple[str, str]]:
        """What it was told since the last look."""
        before = len(self.provider.told)
        while self.tend():
            pass
        return self.provider.told[before:]


def lift(world: World, key: str = KEY) -> None:
    world.clock.pass_s(1)
    command(world, "lift", arguments={"key": key})


def test_a_stop_and_its_lift_are_told_once_each(world: World) -> None:
    tended = Tended(world)
    stop(world)

    assert tended.tend_all() == [("bounce", OFFICE)]
    assert world.rows(stops)[0].mirrored_at == world.clock() - dt.timedelta(seconds=2)
    lift(world)
    assert tended.tend_all() == [("off", OFFICE)]
    assert tended.tend_all() == []


def test_the_relay_tells_it_and_sends_on_what_a_new_pack_corrects(small_world: World) -> None:
    delivery, provider = waits(small_world), FakeList()
    stop(small_world)
    relay = Relay(
        dispatch_settings(small_world.data_dir),
        small_world.database,
        make_broker("stub://"),
        catalogue=lambda: small_world.catalogue,
        ways={},
        documents=Documents(small_world.data_dir),
        clock=small_world.clock,
        mirror=Mirror(small_world.database, provider),
    )
    new = a_mailbox(email="new@prosecutor.example", since=dt.date(2026, 5, 1))
    small_world.catalogue = a_catalogue(a_recipient(mailboxes=(a_mailbox(), new)))

    small_world.clock.pass_s(2)
    relay.tick()

    assert provider.told == [("bounce", OFFICE)]
    assert small_world.delivery(delivery).held_reason is None


def test_a_complaint_lists_the_mailbox_of_its_recipient(small_world: World) -> None:
    stop(small_world, key="recipient:prosecutor", why="complaint")

    assert Tended(small_world).tend_all() == [("complaint", OFFICE)]


def test_a_mailbox_that_others_read_too_is_not_listed_for_one_complaint(
    small_world: World,
) -> None:
    small_world.catalogue = a_catalogue(a_recipient(slug="minister"))
    stop(small_world, key="recipient:prosecutor", why="complaint")

    assert Tended(small_world).tend_all() == []


def test_the_address_is_spelled_as_it_is_written_to(small_world: World) -> None:
    spelled = a_mailbox(email="Office@Prosecutor.example", since=dt.date(2026, 2, 1))
    small_world.catalogue = a_catalogue(a_recipient(mailboxes=(a_mailbox(), spelled)))
    stop(small_world)

    assert Tended(small_world).tend_all() == [("bounce", "Office@Prosecutor.example")]


def test_one_call_a_second(small_world: World) -> None:
    small_world.catalogue = a_catalogue(
        a_recipient(mailboxes=(a_mailbox(), a_mailbox(email="b@prosecutor.example")))
    )
    stop(small_world)
    stop(small_world, key=mailbox_key("b@prosecutor.example"))
    tended = Tended(small_world)

    told = [tended.tend(seconds=0.5) for _ in range(6)]

    assert told == [True, False, False, True, False, False]


def test_an_address_that_nobody_knows_any_more_is_left_alone(small_world: World) -> None:
    stop(small_world)
    small_world.catalogue = Catalogue([])

    assert Tended(small_world).tend_all() == []


def test_what_is_stopped_again_stays_on_the_list(small_world: World) -> None:
    tended = Tended(small_world)
    stop(small_world)
    tended.tend_all()
    lift(small_world)
    stop(small_world)

    assert tended.tend_all() == [("bounce", OFFICE)]


def test_who_waits_for_a_lift_comes_first(small_world: World) -> None:
    other = "b@prosecutor.example"
    small_world.catalogue = a_catalogue(
        a_recipient(mailboxes=(a_mailbox(), a_mailbox(email=other)))
    )
    stop(small_world, key=mailbox_key(other))
    stop(small_world)
    lift(small_world)

    assert Tended(small_world).tend_all() == [("off", OFFICE), ("bounce", other)]


@pytest.mark.parametrize("seconds", [60, AFTER_FAULT.total_seconds()])
def test_after_a_fault_it_rests(seconds: float, small_world: World) -> None:
    tended = Tended(small_world, FakeList(faults=[TryLater("SES was not reached")]))
    stop(small_world)
    tended.tend()

    again = tended.tend(seconds=seconds)

    assert again is (seconds >= AFTER_FAULT.total_seconds())
