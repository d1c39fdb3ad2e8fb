"""A letter that one vendor may have printed is not ordered from another."""

from uuid import UUID

from services.dispatch import recover
from services.dispatch.obey import obey
from services.dispatch.providers.contract import Unclear
from tests.dispatch.builders import FakeProvider, World


def unclear_at_the_first(world: World) -> UUID:
    """Ordered from `print_vendor`, which gave no answer; letters leave by `lob` since."""
    world.letters.script = [Unclear("read timeout")]
    letter = world.a_delivery(channel="letter")
    world.deliver(letter)
    world.letters = FakeProvider("lob")
    asked_again(world, letter)
    return letter


def asked_again(world: World, letter: UUID) -> None:
    world.clock.pass_s(60)
    with world.database.begin() as connection:
        recover.ask_again(connection, world.clock())
    world.wake(letter)


def commanded(world: World, letter: UUID, *verbs: str) -> None:
    [attempt] = world.attempts(letter)
    for verb in verbs:
        world.a_command(verb, letter, attempt_id=attempt.id, arguments={"verdict": "not_taken"})
    with world.database.begin() as connection:
        obey(connection, world.catalogue, world.clock())
    world.wake(letter)


def test_it_is_held_and_the_reason_says_what_to_do(world: World) -> None:
    letter = unclear_at_the_first(world)

    world.deliver(letter)

    assert (world.letters.asked, world.letters.calls) == ([], [])
    assert [one.state for one in world.attempts(letter)] == ["unknown"]
    assert world.delivery(letter).held_reason == (
        "print_vendor may have printed it already, and letters leave by lob now. Settle the"
        " unclear attempt in the console and release it; or set WRIT_PRINT_VENDOR back to"
        " print_vendor until it is settled, and release it then."
    )


def test_once_it_is_settled_and_released_the_new_vendor_gets_it(world: World) -> None:
    letter = unclear_at_the_first(world)
    world.deliver(letter)

    commanded(world, letter, "resolve_unknown", "release")
    world.deliver(letter)

    assert (world.letters.calls, world.delivery(letter).provider) == ([letter], "lob")


def test_a_release_alone_does_not_order_it_twice(world: World) -> None:
    letter = unclear_at_the_first(world)
    world.deliver(letter)

    commanded(world, letter, "release")
    world.deliver(letter)

    assert world.letters.calls == []
    assert "print_vendor may have printed it" in world.delivery(letter).held_reason


def test_with_the_first_vendor_back_it_is_asked_there(world: World) -> None:
    letter = unclear_at_the_first(world)
    world.deliver(letter)
    world.letters = FakeProvider("print_vendor")

    commanded(world, letter, "release")
    world.deliver(letter)

    assert world.letters.asked == [letter]
    assert [one.state for one in world.attempts(letter)] == ["not_sent", "sent"]
