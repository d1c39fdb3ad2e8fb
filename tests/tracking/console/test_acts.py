import re
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from services.tracking.console.door import TOKEN_LIFE_S, ConsoleDoor
from shared.database import Database
from shared.tables.tracking import commands
from tests.tracking.builders import KEYRING, NOON, a_delivery, an_attempt, minutes, noon
from tests.tracking.console.world import a_console, verbs


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> FlaskClient:
    return a_console(tmp_path, small_database)


def a_held(database: Database) -> UUID:
    with database.begin() as connection:
        return a_delivery(connection, state="due", held_reason="No mailbox is known")


def an_unknown(database: Database) -> tuple[UUID, UUID]:
    with database.begin() as connection:
        delivery = a_delivery(connection, state="unknown")
        return delivery, an_attempt(connection, delivery, state="unknown")


def ask(
    console: FlaskClient, delivery: UUID, act: str, *, why: str = "mended", token: str | None = None
) -> TestResponse:
    """Opens the form and sends it."""
    path = f"/console/deliveries/{delivery}/do/{act}"
    if token is None:
        found = re.search(r'name="token" value="([^"]+)"', console.get(path).text)
        token = found[1] if found else ""
    return console.post(path, data={"token": token, "why": why})


def test_a_form_says_what_it_will_do_and_does_nothing_yet(
    console: FlaskClient, small_database: Database
) -> None:
    delivery = a_held(small_database)

    page = console.get(f"/console/deliveries/{delivery}/do/cancel").text

    assert "The delivery never leaves." in page
    assert verbs(small_database) == []


@pytest.mark.parametrize("act", ["release", "cancel"])
def test_what_is_held_can_be_released_and_cancelled(
    console: FlaskClient, small_database: Database, act: str
) -> None:
    delivery = a_held(small_database)

    answer = ask(console, delivery, act, why="  the mailbox\nis known now ")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/console/deliveries/{delivery}?asked={act}"
    with small_database.read() as connection:
        command = connection.execute(select(commands)).one()
    assert (command.verb, command.delivery_id, command.attempt_id) == (act, delivery, None)
    assert (command.why, command.given_by) == ("the mailbox is known now", "console")


@pytest.mark.parametrize("verdict", ["sent", "not_taken"])
def test_a_person_can_settle_an_unknown(
    console: FlaskClient, small_database: Database, verdict: str
) -> None:
    delivery, attempt = an_unknown(small_database)

    ask(console, delivery, verdict)

    with small_database.read() as connection:
        command = connection.execute(select(commands)).one()
    assert (command.verb, command.attempt_id) == ("resolve_unknown", attempt)
    assert command.arguments == {"verdict": verdict}


def test_the_timeline_tells_what_was_asked_and_why(
    console: FlaskClient, small_database: Database
) -> None:
    delivery = a_held(small_database)

    answer = ask(console, delivery, "release", why="mended")
    page = console.get(answer.headers["Location"]).text

    assert "Asked of dispatch: <b>release</b>" in page
    assert "Dispatch has not obeyed it yet. Why: mended." in page


def test_without_a_reason_nothing_is_asked(console: FlaskClient, small_database: Database) -> None:
    delivery = a_held(small_database)

    answers = [ask(console, delivery, "release", why=why) for why in ("", " \n ", "x" * 1001)]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert "Please say why" in answers[0].text
    assert verbs(small_database) == []


@pytest.mark.parametrize("token", ["", "x", "1639137600.00", "٣.0", f"{int(NOON.timestamp())}."])
def test_a_form_that_is_not_ours_is_refused(
    console: FlaskClient, small_database: Database, token: str
) -> None:
    delivery = a_held(small_database)

    answer = ask(console, delivery, "release", token=token)

    assert answer.status_code == 400
    assert verbs(small_database) == []


def test_a_form_for_one_thing_does_no_other(console: FlaskClient, small_database: Database) -> None:
    delivery, other = a_held(small_database), a_held(small_database)
    form = console.get(f"/console/deliveries/{delivery}/do/release").text
    token = form.partition('name="token" value="')[2].partition('"')[0]

    answers = [
        ask(console, delivery, "cancel", token=token),
        ask(console, other, "release", token=token),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert verbs(small_database) == []


@pytest.mark.parametrize(
    ("age_s", "counts"), [(0, True), (TOKEN_LIFE_S, True), (TOKEN_LIFE_S + 1, False), (-5, False)]
)
def test_a_token_lives_for_two_hours(age_s: int, counts: bool) -> None:
    token = ConsoleDoor("", KEYRING, noon).token("release")
    later = ConsoleDoor("", KEYRING, lambda: NOON + minutes(age_s / 60))

    assert later.is_own(token, "release") is counts


def test_what_no_longer_fits_is_not_asked(console: FlaskClient, small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    token = ConsoleDoor("", KEYRING, noon).token(f"release {delivery}")

    answer = ask(console, delivery, "release", token=token)

    assert answer.status_code == 409
    assert "the delivery has moved on" in answer.text
    assert verbs(small_database) == []


def test_an_act_nobody_knows_is_not_found(console: FlaskClient, small_database: Database) -> None:
    delivery = a_held(small_database)

    assert console.get(f"/console/deliveries/{delivery}/do/burn").status_code == 404
    assert console.post(f"/console/deliveries/{delivery}/do/burn").status_code == 404


@pytest.mark.parametrize(
    "path", ["/console/", "/console/search", "/console/assets/console.css", "/console/nothing"]
)
def test_with_a_password_nobody_looks_without_it(
    tmp_path: Path, small_database: Database, path: str
) -> None:
    console = a_console(tmp_path, small_database, password="sesame")

    without, wrong, right = (
        console.get(path, auth=auth) for auth in (None, ("ada", "sesam"), ("ada", "sesame"))
    )

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["WWW-Authenticate"].startswith("Basic ")
    assert right.status_code in {200, 404}


def test_who_asked_is_kept_with_the_command(tmp_path: Path, database: Database) -> None:
    console = a_console(tmp_path, database, password="sesame")
    delivery = a_held(database)
    token = ConsoleDoor("sesame", KEYRING, noon).token(f"release {delivery}")

    console.post(
        f"/console/deliveries/{delivery}/do/release",
        data={"token": token, "why": "men\x00ded\x1b"},
        auth=("ops\x00 one", "sesame"),
    )

    with database.read() as connection:
        command = connection.execute(select(commands)).one()
    assert (command.given_by, command.why) == ("console/ops one", "mended")


def test_the_runbook_promises_no_name_where_the_form_asks_for_none(
    console: FlaskClient, small_database: Database
) -> None:
    runbook = (Path(__file__).parents[3] / "deploy" / "README.md").read_text(encoding="utf-8")

    form = console.get(f"/console/deliveries/{a_held(small_database)}/do/release").text

    assert "Please name nobody." in form
    assert "your name and your reason" not in runbook
    assert f"`{commands.c.given_by}`" in runbook
