"""From `checking` to `done`: what a person sees and does on the way."""

from typing import Any

import pytest
from sqlalchemy import func, select

from services.intake.clients.manage import create_client
from services.intake.imports.desk import MOST_FAULTS
from shared.api_keys import Mode, Scope
from shared.tables.intake import actions
from shared.tables.writing_events import import_parts
from tests.intake.imports.files import HEADER, a_row, csv_file, rows, xlsx_file
from tests.intake.imports.world import World


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def parts(world: World) -> int:
    with world.intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(import_parts)) or 0


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_every_row_becomes_an_action_and_the_file_is_forgotten(either: World, make: Any) -> None:
    checked = either.checked(make(rows(1_201)), file_name="event")

    done = either.done(checked)

    assert (checked["state"], checked["rows"], checked["bad"]) == ("ready", 1_201, 0)
    assert (done["state"], done["accepted"], done["duplicates"]) == ("done", 1_201, 0)
    assert (done["done"], done["percentage"], done["file_name"]) == (1_201, 100.0, None)
    with either.intake.database.read() as connection:
        found = connection.execute(select(actions).order_by(actions.c.import_row)).all()
    assert [one.import_row for one in found] == list(range(2, 1_203))
    assert {str(one.import_id) for one in found} == {done["id"]}
    last = found[-1]
    assert last.supporter_name.open(last.id) == "Supporter 1201"
    assert last.words.open(last.id) == "Words of number 1201."
    assert parts(either) == 0


def test_while_it_is_checked_nothing_is_stored_of_it(world: World) -> None:
    checked = world.checked(csv_file(rows(600)))

    assert checked["state"] == "ready"
    assert world.stored() == 0


def test_faults_are_told_by_row_and_column_a_page_at_a_time(either: World) -> None:
    table = [a_row(1), a_row(2, Email="nobody"), a_row(3, Name="", Country="Atlantis")]

    checked = either.checked(csv_file(table))
    first = either.get(f"{checked['links']['faults']}?limit=2")
    second = either.get(f"{checked['links']['faults']}?limit=2&cursor={first['next']}")

    assert (checked["state"], checked["rows"], checked["bad"]) == ("ready", 3, 2)
    told = [(one["row"], one["column"], one["code"]) for one in first["data"] + second["data"]]
    assert told == [
        (3, "Email", "email_invalid"),
        (4, "Name", "empty"),
        (4, "Country", "unknown_country"),
    ]
    assert first["data"][1]["detail"] == "A name is needed"


def test_of_very_many_faults_all_are_counted_and_the_first_are_told(world: World) -> None:
    checked = world.checked(csv_file([a_row(n, Email="nobody") for n in range(MOST_FAULTS + 300)]))

    found, cursor = 0, ""
    while page := world.get(f"{checked['links']['faults']}?limit=200{cursor}")["data"]:
        found += len(page)
        cursor = "&cursor=" + world.get(f"{checked['links']['faults']}?limit=200{cursor}")["next"]
    assert checked["bad"] == MOST_FAULTS + 300
    assert found == MOST_FAULTS


def test_a_file_with_a_bad_row_is_not_taken_whole_but_its_good_rows_are(either: World) -> None:
    checked = either.checked(csv_file([*rows(3), a_row(4, Email="nobody")]))

    refused = either.post(checked["links"]["start"], {"rows": "all"})
    stored = either.stored()
    done = either.done(checked, "good")

    assert problem(refused) == (409, "rows_are_bad")
    assert stored == 0
    assert (done["accepted"], done["bad"], either.stored()) == (3, 1, 3)


def test_a_file_without_a_good_row_cannot_be_started(world: World) -> None:
    checked = world.checked(csv_file([a_row(1, Email="nobody")]))

    assert problem(world.post(checked["links"]["start"], {"rows": "good"})) == (409, "rows_are_bad")


def test_only_what_is_ready_is_started_and_only_once(world: World) -> None:
    path = world.sent(csv_file(rows(2)))

    early = world.post(f"{path}/start", {"rows": "all"})
    world.work()
    first = world.post(f"{path}/start", {"rows": "all"})
    second = world.post(f"{path}/start", {"rows": "all"})

    assert [problem(one) for one in (early, second)] == [(409, "import_not_ready")] * 2
    assert first.status_code == 202


def test_a_preview_shows_how_rows_are_understood_and_nobody_in_them(world: World) -> None:
    table = [a_row(1, Name="Zoë Ångström", Country="Schweiz"), a_row(2, Email="nobody")]
    checked = world.checked(csv_file([*table, *rows(40)], encoding="cp1252"))

    preview = world.intake.get(checked["links"]["preview"])

    first, second = preview.get_json()["rows"][:2]
    shown = {one["field"]: (one["column"], one["text"]) for one in first["cells"]}
    assert first["row"] == 2
    assert shown["name"] == ("Name", "Z… (12)")
    assert shown["country"] == ("Country", "C… (2)")
    assert shown["case"] == (None, "mikita")
    assert [one["code"] for one in second["faults"]] == ["email_invalid"]
    assert len(preview.get_json()["rows"]) == 20
    assert sorted(preview.get_json()["letters"]) == ["Å", "ë", "ö"]
    for personal in ("Zoë", "s1@", "Words of"):
        assert personal not in preview.text


def test_a_preview_is_there_while_the_file_is(world: World) -> None:
    path = world.sent(csv_file(rows(2)))

    early = world.intake.get(f"{path}/preview")
    world.work()
    world.done(world.get(path))
    late = world.intake.get(f"{path}/preview")

    assert [problem(one) for one in (early, late)] == [(409, "import_not_ready")] * 2


def test_a_wrong_guess_at_the_encoding_is_put_right_by_its_name(world: World) -> None:
    content = csv_file([a_row(1, Name="Jan Dvořák")], encoding="cp1250")
    guessed = world.get(world.checked(content)["links"]["preview"])["letters"]

    told = world.checked(content, again="true", encoding="cp1250")

    assert told["encoding"] == "cp1250"
    assert world.get(told["links"]["preview"])["letters"] == "řá"
    assert guessed != "řá"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no row"),
        (b"Shoe size\n43\n", "`name`"),
        (b"Name\nAna\nBo\x00ris", None),
        (b'Name,Words\nAna,"I think', "Row 2"),
        (b"Name,Name\nAna,Beispiel\n", "`Name`"),
    ],
)
def test_a_file_that_cannot_be_read_fails_and_says_why(
    world: World, content: bytes, said: str | None
) -> None:
    checked = world.checked(content)

    if said is None:  # one bad row is no bad file
        assert (checked["state"], checked["bad"]) == ("ready", 1)
        return
    assert checked["state"] == "failed"
    assert said in checked["fault"]
    assert parts(world) == 0


def test_names_of_columns_that_nobody_knows_are_not_kept(world: World) -> None:
    header = ["Name", *(["x"] * 26), "Ana Beispiel, Bahnhofstrasse 1"]

    checked = world.checked(csv_file([["Boris", *("y" * 27)]], header))
    preview = world.get(checked["links"]["preview"])

    assert checked["columns"] == {"Name": "name"}
    assert preview["unread"][0] == "B"
    assert preview["unread"][-1] == "AB"


def test_a_cancelled_import_takes_nothing_more_and_its_file_is_forgotten(either: World) -> None:
    checked = either.checked(csv_file(rows(3)))
    either.started(checked)

    cancelled = either.intake.http.delete(
        checked["links"]["self"], headers=either.intake.auth()
    ).get_json()
    either.work()
    again = either.intake.http.delete(checked["links"]["self"], headers=either.intake.auth())

    assert cancelled["state"] == "cancelled"
    assert (either.stored(), parts(either)) == (0, 0)
    assert problem(again) == (409, "import_not_ready")


def test_anothers_import_is_not_found(world: World) -> None:
    checked = world.checked(csv_file(rows(1)))
    world.intake.known = create_client(
        world.intake.database, "b", mode=Mode.LIVE, scopes=[Scope.SUBMIT]
    )

    answers = [world.intake.get(checked["links"][name]) for name in ("self", "faults", "preview")]

    assert [problem(one) for one in answers] == [(404, "not_found")] * 3
    assert problem(world.post(checked["links"]["start"], {"rows": "all"})) == (404, "not_found")


def test_duplicates_of_ones_own_are_counted_and_anothers_are_not_told(either: World) -> None:
    mine = either.checked(csv_file([*rows(3), a_row(1)]))
    first = either.done(mine)
    either.intake.known = create_client(
        either.intake.database, "b", mode=Mode.LIVE, scopes=[Scope.SUBMIT]
    )

    theirs = either.done(either.checked(csv_file(rows(3))))

    assert (first["accepted"], first["duplicates"]) == (3, 1)
    assert (theirs["accepted"], theirs["duplicates"]) == (3, 0)


def test_a_test_key_imports_test_actions(world: World) -> None:
    world.intake.known = create_client(
        world.intake.database, "b", mode=Mode.TEST, scopes=[Scope.SUBMIT]
    )

    world.done(world.checked(csv_file(rows(1), HEADER)))

    with world.intake.database.read() as connection:
        assert connection.scalar(select(actions.c.mode)) == "test"
