"""The send protocol: claimed and written down before the call, called once, ended honestly."""

import datetime as dt
import time
from uuid import UUID

import pytest
import structlog
from sqlalchemy import select, text, update

from services.dispatch.deliver import UNREADABLE_WAIT
from services.dispatch.documents import Documents
from services.dispatch.hand_over import (
    ASK_AFTER_S,
    LONGEST_WAIT_S,
    MAX_ATTEMPTS,
    backoff_s,
)
from services.dispatch.providers.contract import (
    Email,
    LaneHeld,
    Letter,
    NotSent,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from shared.database import Database
from shared.tables.dispatch import carriages, print_orders
from shared.tables.intake import actions
from tests.dispatch.builders import KEYRING, NOON, World


def test_what_is_due_is_handed_over_once_and_recorded(world: World) -> None:
    one = world.a_delivery()

    world.deliver(one)

    delivery, [attempt] = world.delivery(one), world.attempts(one)
    assert world.emails.calls == [one]
    assert (delivery.state, delivery.provider, delivery.provider_id) == (
        "handed_over",
        "ses",
        "ses-1",
    )
    assert delivery.handed_over_at == NOON
    assert (delivery.claimed_at, delivery.woken_at) == (None, None)
    assert (attempt.state, attempt.provider_id, attempt.number) == ("sent", "ses-1", 1)
    assert (attempt.address, attempt.ended_at) == ("office@prosecutor.example", NOON)


def test_a_second_wake_up_finds_nothing_left_to_do(world: World) -> None:
    one = world.a_delivery()
    world.deliver(one)

    world.deliver(one, one)

    assert world.emails.calls == [one]
    assert len(world.attempts(one)) == 1


def test_the_attempt_is_committed_before_the_provider_is_called(world: World) -> None:
    url = world.database.engine.url.render_as_string(hide_password=False)
    seen: list[tuple[str, str, str]] = []

    def look(email: Email | Letter) -> Taken:
        own = World(Database(url, KEYRING), world.data_dir)
        [attempt] = own.attempts(email.delivery_id)
        kept = (world.data_dir / "documents" / attempt.document).exists()
        seen.append((own.delivery(email.delivery_id).state, attempt.state, str(kept)))
        own.database.close()
        return Taken(provider_id="m-1")

    world.emails.script = [look]
    one = world.a_delivery()

    world.deliver(one)

    assert seen == [("sending", "started", "True")]


def test_what_was_not_woken_held_or_done_is_not_called(small_world: World) -> None:
    still = [
        small_world.a_delivery(woken_at=None),
        small_world.a_delivery(held_reason="a person looks"),
        *(
            small_world.a_delivery(state=state)
            for state in ("sending", "handed_over", "refused", "unknown", "cancelled")
        ),
    ]

    small_world.deliver(*still)

    assert small_world.emails.calls == []


# The fault, the delivery's state, the attempt's, and the seconds to wait: at least, at most.
ENDINGS = [
    (TryLater("throttled"), "due", "not_sent", (24, 36)),
    (NotSent("not reached"), "due", "not_sent", (24, 36)),
    (TryLater("come back", after_s=500), "due", "not_sent", (500, 500)),
    (LaneHeld("suspended", after_s=900), "due", "not_sent", (900, 900)),
    (Refused("bad request"), "refused", "refused", None),
    (Unclear("read timeout"), "unknown", "unknown", (ASK_AFTER_S, ASK_AFTER_S)),
    (KeyError("private"), "unknown", "unknown", (ASK_AFTER_S, ASK_AFTER_S)),
    (OSError("broken pipe"), "unknown", "unknown", (ASK_AFTER_S, ASK_AFTER_S)),
]


@pytest.mark.parametrize(("fault", "delivery", "attempt", "wait"), ENDINGS)
@pytest.mark.parametrize("channel", ["email", "letter"])
def test_every_way_a_call_can_end_says_what_it_proves(
    channel: str,
    fault: Exception,
    delivery: str,
    attempt: str,
    wait: tuple[float, float] | None,
    small_world: World,
) -> None:
    provider = small_world.emails if channel == "email" else small_world.letters
    provider.script = [fault]
    one = small_world.a_delivery(channel=channel)

    small_world.deliver(one)

    row, [tried] = small_world.delivery(one), small_world.attempts(one)
    assert (row.state, tried.state) == (delivery, attempt)
    assert (row.claimed_at, row.woken_at, row.held_reason) == (None, None, None)
    assert tried.detail == (getattr(fault, "detail", None) or type(fault).__name__)
    if wait:
        assert wait[0] <= (row.next_attempt_at - NOON).total_seconds() <= wait[1]


def test_a_held_lane_stops_the_calls_of_its_chunk_and_of_no_other_lane(small_world: World) -> None:
    small_world.emails.script = [LaneHeld("suspended", after_s=900)]
    first, second = small_world.a_delivery(), small_world.a_delivery()
    nowhere = small_world.a_delivery(mode="test")

    small_world.deliver(first, second, nowhere)

    assert len(small_world.emails.calls) == 1
    assert [small_world.delivery(one).state for one in (first, second)] == ["due", "due"]
    assert {small_world.attempts(one)[0].detail for one in (first, second)} == {"suspended"}
    assert small_world.delivery(nowhere).provider == "dry_run"


def test_one_that_is_only_throttled_stops_no_other(small_world: World) -> None:
    small_world.emails.script = [TryLater("throttled")]
    both = [small_world.a_delivery(), small_world.a_delivery()]

    small_world.deliver(*both)

    assert small_world.emails.calls == both


def test_an_old_claim_is_not_called(small_world: World) -> None:
    def slow(_: Email | Letter) -> Taken:
        time.sleep(1.1)
        return Taken(provider_id="m-1")

    small_world.emails.script = [slow]
    both = [small_world.a_delivery(), small_world.a_delivery()]

    small_world.deliver(*both, claim_ttl_s=2)

    assert len(small_world.emails.calls) == 1
    late = small_world.delivery(both[1])
    assert late.state == "due"
    assert small_world.attempts(both[1])[0].detail == "its claim grew too old before the call"


def test_a_chunk_is_recorded_before_the_next_one_is_claimed(small_world: World) -> None:
    ids = [small_world.a_delivery() for _ in range(3)]
    states: list[list[str]] = []

    def look(_: Email | Letter) -> Taken:
        states.append([small_world.delivery(one).state for one in ids])
        return Taken(provider_id="m")

    small_world.emails.script = [look, look, look]

    small_world.deliver(*ids, chunk=1)

    assert states == [
        ["sending", "due", "due"],
        ["handed_over", "sending", "due"],
        ["handed_over", "handed_over", "sending"],
    ]


def test_what_is_known_is_recorded_when_the_worker_itself_breaks(small_world: World) -> None:
    class Interrupted(BaseException):
        pass

    def breaks(_: Email | Letter) -> Taken:
        raise Interrupted

    small_world.emails.script = [Taken(provider_id="m-1"), breaks]
    ids = [small_world.a_delivery() for _ in range(3)]

    with pytest.raises(Interrupted):
        small_world.deliver(*ids)

    assert [small_world.delivery(one).state for one in ids] == [
        "handed_over",
        "sending",
        "sending",
    ]


def test_after_twelve_attempts_a_person_looks(small_world: World) -> None:
    small_world.emails.script = [TryLater("throttled"), TryLater("throttled")]
    eleventh = small_world.a_delivery(attempts=MAX_ATTEMPTS - 2)
    twelfth = small_world.a_delivery(attempts=MAX_ATTEMPTS - 1)

    small_world.deliver(eleventh, twelfth)

    assert small_world.delivery(eleventh).held_reason is None
    assert small_world.delivery(twelfth).held_reason == "12 attempts failed; the last: throttled"


def test_an_order_that_stays_unclear_is_asked_for_ever_more_seldom(small_world: World) -> None:
    small_world.letters.script = [Unclear("503"), Unclear("503")]
    third = small_world.a_delivery(channel="letter", attempts=2)
    twelfth = small_world.a_delivery(channel="letter", attempts=MAX_ATTEMPTS - 1)

    small_world.deliver(third, twelfth)

    waits = small_world.delivery(third).next_attempt_at - NOON
    assert waits >= dt.timedelta(seconds=48)
    assert small_world.delivery(twelfth).held_reason == "12 attempts failed; the last: 503"


def test_a_document_that_cannot_be_kept_is_not_sent(small_world: World) -> None:
    (small_world.data_dir / "documents").write_text("in the way of the folder")
    one = small_world.a_delivery()

    small_world.deliver(one)

    assert small_world.emails.calls == []
    assert small_world.delivery(one).state == "due"
    assert "could not be kept" in small_world.attempts(one)[0].detail


def test_who_loses_the_claim_leaves_no_document_behind(small_world: World) -> None:
    kept: list[str] = []

    class Watched(Documents):
        def keep(self, path: str, content: bytes) -> None:
            kept.append(path)
            super().keep(path, content)

    one = small_world.a_delivery()

    def meanwhile(_: Email | Letter) -> Taken:
        small_world.deliver(one, documents=Watched(small_world.data_dir))
        return Taken(provider_id="m-1")

    small_world.emails.script = [meanwhile]
    small_world.deliver(one)

    assert kept == []


def test_test_mode_reaches_nobody(small_world: World) -> None:
    both = [small_world.a_delivery(mode="test", channel=name) for name in ("email", "letter")]

    small_world.deliver(*both)

    assert small_world.emails.calls == small_world.letters.calls == []
    assert {small_world.delivery(one).provider for one in both} == {"dry_run"}


def test_an_order_is_written_for_a_letter_with_its_price(world: World) -> None:
    world.letters.script = [Taken(provider_id="ord-1", price_minor=142, currency="EUR")]
    one = world.a_delivery(channel="letter")

    world.deliver(one)

    [order] = world.rows(print_orders)
    assert (order.delivery_id, order.vendor, order.vendor_order_id) == (
        one,
        "print_vendor",
        "ord-1",
    )
    assert (order.pages, order.price_minor, order.currency) == (2, 142, "EUR")


class TestUnknownLetters:
    """Asked for first, then ordered again with the same key; emails have neither."""

    @pytest.fixture
    def unclear(self, world: World) -> UUID:
        return world.an_unknown(channel="letter", state="due", woken_at=NOON)[0]

    def test_one_that_the_vendor_has_is_not_ordered_again(
        self, world: World, unclear: UUID
    ) -> None:
        world.letters.found = [Taken(provider_id="ord-1", price_minor=142, currency="EUR")]

        world.deliver(unclear)

        assert (world.letters.asked, world.letters.calls) == ([unclear], [])
        assert world.delivery(unclear).provider_id == "ord-1"
        assert [one.state for one in world.attempts(unclear)] == ["not_sent", "sent"]
        assert len(world.rows(print_orders)) == 1

    def test_one_that_the_vendor_does_not_have_is_ordered_with_the_same_key(
        self, world: World, unclear: UUID
    ) -> None:
        world.deliver(unclear)

        [letter] = world.letters.handed
        assert isinstance(letter, Letter)
        assert letter.idempotency_key == world.attempts(unclear)[0].idempotency_key
        assert {one.idempotency_key for one in world.attempts(unclear)} == {str(unclear)}
        assert [one.state for one in world.attempts(unclear)] == ["not_sent", "sent"]

    def test_a_new_letter_is_not_asked_for(self, world: World) -> None:
        world.deliver(world.a_delivery(channel="letter"))

        assert world.letters.asked == []

    @pytest.mark.parametrize(
        "fault", [TryLater("away"), LaneHeld("no credit"), Refused("404"), Unclear("503")]
    )
    def test_one_that_cannot_be_asked_for_stays_unknown(
        self, fault: Exception, world: World, unclear: UUID
    ) -> None:
        world.letters.found = [fault]

        world.deliver(unclear)

        assert world.letters.calls == []
        assert world.delivery(unclear).state == "unknown"
        assert world.attempts(unclear)[0].state == "unknown"

    @pytest.mark.parametrize("fault", [TryLater("away"), Refused("422"), Unclear("503")])
    def test_a_repeat_that_fails_says_nothing_of_the_first(
        self, fault: Exception, world: World, unclear: UUID
    ) -> None:
        world.letters.script = [fault]

        world.deliver(unclear)

        assert world.delivery(unclear).state == "unknown"
        assert world.attempts(unclear)[0].state == "unknown"


def test_waits_double_from_half_a_minute_to_six_hours() -> None:
    for attempt in range(1, 40):
        middle = min(30 * 2.0 ** (attempt - 1), LONGEST_WAIT_S)

        assert 0.8 * middle <= backoff_s(attempt) <= 1.2 * middle


def test_one_whose_words_do_not_open_waits_a_while_and_stops_no_other(world: World) -> None:
    broken, well = world.a_delivery(), world.a_delivery()
    with world.database.begin() as connection:
        its = select(carriages.c.action_id).where(carriages.c.delivery_id == broken)
        moved = {"words": text("supporter_name")}
        connection.execute(update(actions).where(actions.c.id.in_(its)).values(moved))

    with structlog.testing.capture_logs() as logs:
        world.deliver(broken, well)

    assert world.emails.calls == [well]
    row = world.delivery(broken)
    assert (row.state, row.held_reason, row.woken_at) == ("due", None, None)
    assert row.next_attempt_at == NOON + UNREADABLE_WAIT  # its mailbox is free meanwhile
    assert [(one["delivery_id"]) for one in logs if one["event"] == "unreadable"] == [str(broken)]


def test_a_provider_is_chosen_by_channel(small_world: World) -> None:
    email, letter = small_world.a_delivery(), small_world.a_delivery(channel="letter")

    small_world.deliver(email, letter)

    assert (small_world.emails.calls, small_world.letters.calls) == ([email], [letter])
