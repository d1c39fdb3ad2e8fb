"""Deliveries by a mail relay, through the whole send protocol, while the relay misbehaves."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.dispatch.providers.contract import Taken
from services.dispatch.providers.smtp import Smtp
from services.dispatch.routing import make_route
from services.dispatch.settings import SmtpSettings
from services.dispatch.worker import make_desk
from shared.database import Database
from shared.tables.dispatch import deliveries
from tests.dispatch.builders import KEYRING, World, a_due, dispatch_settings
from tests.dispatch.providers.relay import (
    DROP,
    RESET,
    Act,
    an_email,
    an_smtp,
    misbehaving,
    outcome,
)


def test_a_delivery_is_recorded_under_the_id_that_the_relay_logs(world: World) -> None:
    one = world.a_delivery()

    with misbehaving({}) as got, an_smtp(got.port) as smtp:
        world.deliver(one, route=make_route({"email": smtp}))

    delivery, [attempt] = world.delivery(one), world.attempts(one)
    assert (delivery.state, delivery.provider, attempt.state) == ("handed_over", "smtp", "sent")
    assert f"Message-ID: <{delivery.provider_id}>".encode() in got.accepted[0]
    assert delivery.provider_id.startswith(f"{one}@")


def test_an_answer_that_got_lost_is_unknown_and_not_sent_again(world: World) -> None:
    one = world.a_delivery()

    with misbehaving({"END": [DROP]}) as got, an_smtp(got.port) as smtp:
        for _ in range(3):
            world.deliver(one, route=make_route({"email": smtp}))

    assert world.delivery(one).state == "unknown"
    assert len(got.accepted) == 1


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_relay_does_the_records_are_true(small_world: World, seed: int) -> None:
    """Forty deliveries and a relay that fails at random; who says "sent" is right, once."""
    world, chance = small_world, random.Random(seed)
    later, never = b"451 4.3.0 later\r\n", b"550 5.1.1 who\r\n"
    acts: dict[str, list[Act]] = {
        "EHLO": [b"250 me\r\n", DROP],
        "RSET": [b"250 ok\r\n", DROP, RESET],
        "MAIL": [b"250 ok\r\n", DROP, RESET, later],
        "RCPT": [b"250 ok\r\n", DROP, later, never],
        "DATA": [b"354 go\r\n", DROP, RESET, later],
        "END": [b"250 ok\r\n", DROP, RESET, later, never, b"what?\r\n"],
    }
    script = {
        stage: chance.choices(some, [6, *[1] * (len(some) - 1)], k=40)
        for stage, some in acts.items()
    }
    ids = [world.a_delivery() for _ in range(40)]

    with misbehaving(script) as got, an_smtp(got.port, read_timeout_s=1) as smtp:
        for one in ids:
            world.deliver(one, route=make_route({"email": smtp}))

    assert len(got.accepted) > 5
    arrived = b"".join(got.accepted)
    for row in world.rows(deliveries):
        copies = arrived.count(f"Message-ID: <{row.id}@".encode())
        if row.state == "handed_over":
            assert copies == 1
        elif row.state == "unknown":
            assert copies <= 1
        else:
            assert (copies, row.state in {"due", "refused"}) == (0, True)


def test_many_threads_share_the_connections_and_mix_nothing_up() -> None:
    emails = [an_email(text=f"Number {n}.\n") for n in range(200)]

    with (
        misbehaving({}) as got,
        an_smtp(got.port, read_timeout_s=20) as smtp,
        ThreadPoolExecutor(6) as threads,
    ):
        ended = list(threads.map(lambda email: outcome(smtp, email), emails))

    assert all(isinstance(one, Taken) for one in ended)
    assert got.connections <= 6 + 200 // 100
    for n, email in enumerate(emails):
        [copy] = [
            one for one in got.accepted if f"Message-ID: <{email.delivery_id}@".encode() in one
        ]
        assert f"\r\nNumber {n}.\r\n".encode() in copy


def test_the_settings_choose_the_way_out(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)
    smtp = SmtpSettings(
        host="relay.example", port=587, security="starttls", user="", password="", bounce_address=""
    )

    by_relay = make_desk(dispatch_settings(tmp_path, smtp=smtp), database).route(a_due())
    by_amazon = make_desk(dispatch_settings(tmp_path), database).route(a_due())

    database.close()
    assert isinstance(by_relay, Smtp)
    assert by_amazon.name == "ses"
