"""What rests on an erased action does not leave, and what was rendered for it goes."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from services.dispatch import forget as forgetting
from services.dispatch import recover
from services.dispatch.documents import Documents
from services.dispatch.forget import forget
from services.dispatch.obey import obey
from services.dispatch.providers.batches.tray import Tray
from services.dispatch.providers.contract import Email, Letter, Taken
from services.dispatch.providers.sftp_manifest import FOLDER
from services.dispatch.vendor_settings.sftp_manifest import SftpManifestSettings
from services.dispatch.vendors import taking_back
from shared.clock import now
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions, erasures
from shared.tables.tracking import Verb, Verdict
from tests.dispatch.builders import NOON, World, dispatch_settings
from tests.dispatch.providers.house import AT_THE_CUT_OFF, FORM, a_house, a_letter, a_provider

YOUNG = recover.TOLD_FOR


def erased(world: World, *delivery_ids: UUID) -> None:
    """As intake does it, for the actions of these deliveries."""
    with world.database.begin() as connection:
        theirs = select(carriages.c.action_id).where(carriages.c.delivery_id.in_(delivery_ids))
        ids = connection.scalars(theirs).all()
        connection.execute(
            update(actions)
            .where(actions.c.id.in_(ids))
            .values(supporter_name=None, supporter_email=None, words=None, erased_at=NOON)
        )
        connection.execute(insert(erasures), [{"action_id": one, "erased_at": NOON} for one in ids])


def forgotten(world: World) -> int:
    return forget(world.database, Documents(world.data_dir))


def files(world: World) -> list[Path]:
    return [path for path in (world.data_dir / "documents").rglob("*") if path.is_file()]


def states(world: World, *ids: UUID) -> list[str]:
    return [world.delivery(one).state for one in ids]


@pytest.mark.parametrize("changes", [{}, {"woken_at": None}, {"held_reason": "a test"}])
def test_what_has_not_left_is_cancelled(world: World, changes: dict[str, Any]) -> None:
    gone, kept = world.a_delivery(**changes), world.a_delivery()
    erased(world, gone)

    number = forgotten(world)

    assert (number, states(world, gone, kept)) == (1, ["cancelled", "due"])
    assert world.delivery(gone).held_reason is None


def test_what_was_rendered_is_deleted(world: World) -> None:
    gone, kept = world.a_delivery(), world.a_delivery()
    world.deliver(gone, kept)
    erased(world, gone)

    forgotten(world)

    assert [path.name for path in files(world)] == [f"{kept}-1.eml"]
    assert [world.attempts(one)[0].document is None for one in (gone, kept)] == [True, False]
    assert world.attempts(gone)[0].address == "office@prosecutor.example"
    assert states(world, gone) == ["handed_over"]


def test_each_erasure_is_read_once(world: World) -> None:
    first, second = world.a_delivery(), world.a_delivery()
    erased(world, first)

    numbers = [forgotten(world), forgotten(world)]
    erased(world, second)

    assert [*numbers, forgotten(world)] == [1, 0, 1]


def test_more_than_one_batch_is_forgotten_batch_by_batch(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    ids = [small_world.a_delivery() for _ in range(3)]
    erased(small_world, *ids)

    assert [forgotten(small_world) for _ in range(3)] == [2, 1, 0]
    assert states(small_world, *ids) == ["cancelled"] * 3


def test_what_is_being_sent_is_forgotten_when_that_has_ended(world: World) -> None:
    """The supporter is erased while the provider is being called."""
    seen: list[Any] = []

    def in_the_middle(handed: Email | Letter) -> Taken:
        erased(world, handed.delivery_id)
        seen.append((forgotten(world), len(files(world))))
        return Taken(provider_id="taken")

    delivery = world.a_delivery()
    world.emails.script = [in_the_middle]

    world.deliver(delivery)

    assert seen == [(0, 1)]
    assert (forgotten(world), files(world)) == (1, [])
    assert states(world, delivery) == ["handed_over"]


def test_those_before_one_that_is_being_sent_do_not_wait_for_it(world: World) -> None:
    first, sending, last = (world.a_delivery(state=one) for one in ("due", "sending", "due"))
    for one in (first, sending, last):
        erased(world, one)

    assert forgotten(world) == 1
    assert states(world, first, sending, last) == ["cancelled", "sending", "cancelled"]


def test_one_that_was_woken_and_then_erased_is_never_sent(world: World) -> None:
    gone, kept = world.a_delivery(), world.a_delivery()
    erased(world, gone)

    world.deliver(gone, kept)

    assert world.emails.calls == [kept]
    assert states(world, gone, kept) == ["cancelled", "handed_over"]


def test_what_may_have_been_taken_stays_unknown(world: World) -> None:
    """An earlier attempt is unclear: it would have been asked for, or sent, again."""
    due = world.a_delivery(attempts=1, channel="letter")
    world.an_attempt(due, provider="print_vendor")
    unknown, _ = world.an_unknown(channel="letter", next_attempt_at=NOON)
    erased(world, due, unknown)

    forgotten(world)
    with world.database.begin() as connection:
        asked = recover.ask_again(connection, NOON)

    assert (asked, states(world, due, unknown)) == (0, ["unknown", "unknown"])


def test_a_verdict_that_makes_it_due_again_does_not_make_it_leave(world: World) -> None:
    delivery, attempt = world.an_unknown()
    erased(world, delivery)
    forgotten(world)
    verdict = {"arguments": {"verdict": Verdict.NOT_TAKEN}, "attempt_id": attempt}
    world.a_command(Verb.RESOLVE_UNKNOWN, delivery, **verdict)
    with world.database.begin() as connection:
        obey(connection, world.catalogue, NOON)
        connection.execute(update(deliveries).values(woken_at=NOON))

    world.deliver(delivery)

    assert (world.emails.calls, states(world, delivery)) == ([], ["cancelled"])


def test_a_petition_stays_for_those_who_are_still_on_it(world: World) -> None:
    petition = world.a_delivery(carrier="petition", channel="petition", held_reason="a test")
    other = {"action_id": world.an_action(), "recipient": "prosecutor", "delivery_id": petition}
    with world.database.begin() as connection:
        connection.execute(insert(carriages), [other])
    [(first, *_)] = [row for row in world.rows(carriages) if row.action_id != other["action_id"]]
    with world.database.begin() as connection:
        connection.execute(insert(erasures), [{"action_id": first, "erased_at": NOON}])

    assert forgotten(world) == 1
    assert states(world, petition) == ["due"]


def test_the_address_of_a_notice_is_the_supporters_and_goes(world: World) -> None:
    notice = world.a_delivery(carrier="notice", state="handed_over", attempts=1)
    world.an_attempt(notice, state="sent", address="ana@people.example", document="gone.eml")
    erased(world, notice)

    forgotten(world)

    [attempt] = world.attempts(notice)
    assert (attempt.address, attempt.document) == (None, None)


def test_a_file_that_is_missing_stops_nothing(world: World) -> None:
    delivery = world.a_delivery(state="handed_over", attempts=1)
    world.an_attempt(delivery, state="sent", document="never/was.eml")
    erased(world, delivery)

    assert forgotten(world) == 1
    assert world.attempts(delivery)[0].document is None


def test_tracking_is_told_while_an_erasure_is_young(world: World) -> None:
    with world.database.read() as connection:
        nothing = recover.any_to_forget(connection, NOON)
    erased(world, world.a_delivery())

    with world.database.read() as connection:
        ages = (0 * YOUNG, 0.9 * YOUNG, YOUNG)
        told = [recover.any_to_forget(connection, NOON + age) for age in ages]

    assert (nothing, told) == (False, [True, True, False])


def test_what_waits_for_its_batch_is_taken_out_and_nothing_of_a_closed_one(world: World) -> None:
    tray = a_provider(world.data_dir, clock=world.clock)
    world.letters = tray  # type: ignore[assignment]
    closed = world.a_delivery(channel="letter")
    world.deliver(closed)
    Tray(world.data_dir / FOLDER, a_house()).close_due(AT_THE_CUT_OFF)
    gone, kept = (world.a_delivery(channel="letter") for _ in range(2))
    world.deliver(gone, kept)
    erased(world, gone, closed)

    forget(world.database, Documents(world.data_dir), tray.cancel)

    assert states(world, gone, kept, closed) == ["cancelled", "handed_over", "handed_over"]
    assert [tray.find(one) is None for one in (gone, kept, closed)] == [True, False, False]


def test_an_unclear_letter_that_was_taken_out_is_unclear_no_more(small_world: World) -> None:
    gone, _ = small_world.an_unknown(channel="letter")
    erased(small_world, gone)

    forget(small_world.database, Documents(small_world.data_dir), lambda _: True)

    assert states(small_world, gone) == ["cancelled"]
    assert [one.state for one in small_world.attempts(gone)] == ["not_sent"]


def test_only_what_waits_on_our_own_disk_can_be_had_back(tmp_path: Path) -> None:
    by_sftp = dispatch_settings(tmp_path, vendor=SftpManifestSettings(house=FORM))
    tray = a_provider(tmp_path)
    letter = a_letter()
    tray.order(letter)

    take_back = taking_back(by_sftp, now)

    assert taking_back(dispatch_settings(tmp_path), now) is None
    assert take_back is not None
    assert [take_back(letter.delivery_id) for _ in range(2)] == [True, False]
