"""A row becomes the action that was meant, or every fault of it by column; nothing is guessed."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from services.intake.accept import Action
from services.intake.imports.mapping import ActionField, ColumnMap, fit
from services.intake.imports.reading import Row
from services.intake.imports.understanding import Understanding
from services.intake.imports.unreadable import RowFault
from shared.api_keys import Client, Mode
from shared.catalogue import Catalogue
from tests.intake.builders import NOON, a_pack

CLIENT = Client(id=UUID(int=1), mode=Mode.LIVE, scopes=frozenset())
SAME = {ActionField.CASE: "mikita", ActionField.CHANNEL: "email"}


def understand(
    cells: dict[str, str],
    *,
    columns: dict[str, ActionField | None] | None = None,
    same: dict[ActionField, str] = SAME,
    encoding: str = "utf-8",
    more: Sequence[str] = (),
) -> Action | list[RowFault]:
    understanding = Understanding(
        import_id=UUID(int=2),
        fitted=fit(ColumnMap(columns or {}, same), list(cells)),
        encoding=encoding,
        client=CLIENT,
        catalogue=Catalogue(a_pack()),
        identity_key=b"i" * 32,
    )
    return understanding.action(Row(7, [*cells.values(), *more]), NOON)


def action(**cells: str) -> Action:
    taken = understand({"Name": "Ana Beispiel"} | cells)
    assert isinstance(taken, Action), taken
    return taken


def faults(cells: dict[str, str], **how: Any) -> list[tuple[str | None, str]]:
    found = understand({"Name": "Ana Beispiel"} | cells, **how)
    assert isinstance(found, list), "the row is good"
    assert all(one.row == 7 for one in found)
    return [(one.column, one.code) for one in found]


def test_a_row_becomes_an_action_that_knows_where_it_came_from() -> None:
    taken = action(Email="ana@tools.example", Country="CH", Message="I think of you.\nAlways.")

    assert (taken.import_id, taken.import_row) == (UUID(int=2), 7)
    assert (taken.case, taken.channel, taken.language) == ("mikita", "email", "en")
    assert (taken.supporter_name, taken.supporter_email) == ("Ana Beispiel", "ana@tools.example")
    assert taken.words == "I think of you.\nAlways."


def test_names_in_two_columns_become_one() -> None:
    taken = understand({"Prénom": "Zoé", "Nom": "Lefèvre"})

    assert isinstance(taken, Action)
    assert taken.supporter_name == "Zoé Lefèvre"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("ch", "CH"),
        ("Schweiz", "CH"),
        ("suiza", "CH"),
        ("Швейцария", "CH"),
        ("سويسرا", "CH"),
        ("UK", "GB"),
        ("USA", "US"),
        ("United States", "US"),
    ],
)
def test_a_country_is_known_by_code_and_by_name(given: str, code: str) -> None:
    assert action(Country=given).supporter_country == code


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-05-30", dt.datetime(2026, 5, 30, tzinfo=dt.UTC)),
        ("30.5.2026", dt.datetime(2026, 5, 30, tzinfo=dt.UTC)),
        ("2026-05-30 14:30", dt.datetime(2026, 5, 30, 14, 30, tzinfo=dt.UTC)),
        ("2026-05-30T14:30:00+02:00", dt.datetime(2026, 5, 30, 12, 30, tzinfo=dt.UTC)),
    ],
)
def test_a_date_that_everybody_reads_the_same_is_a_moment(given: str, moment: dt.datetime) -> None:
    assert action(Date=given).occurred_at == moment


@pytest.mark.parametrize("given", ["05/06/2026", "30.13.2026", "yesterday", "1 June", "46203"])
def test_a_date_that_could_be_another_is_not_guessed(given: str) -> None:
    assert faults({"Date": given}) == [("Date", "unclear_moment")]


@pytest.mark.parametrize(
    ("given", "answer"),
    [("yes", True), ("Ja", True), ("sí", True), ("ДА", True), ("نعم", True), ("x", True),
     ("no", False), ("Nein", False), ("нет", False), ("0", False), ("لا", False)],
)  # fmt: skip
def test_yes_and_no_are_known_in_six_languages(given: str, answer: bool) -> None:
    assert action(Newsletter=given).consent["mailings"] is answer


def test_neither_yes_nor_no_is_told() -> None:
    assert faults({"Newsletter": "perhaps"}) == [("Newsletter", "unclear_answer")]


def test_a_case_is_known_by_its_name_too() -> None:
    taken = understand({"Name": "Ana", "Case": " MIKITA "}, same={ActionField.CHANNEL: "Email"})

    assert isinstance(taken, Action)
    assert (taken.case, taken.channel) == ("mikita", "email")


def test_an_empty_cell_takes_what_is_the_same_in_every_row() -> None:
    same = SAME | {ActionField.LANGUAGE: "ru"}

    empty = understand({"Name": "Ana", "Language": " "}, same=same)
    given = understand({"Name": "Ana", "Language": "EN"}, same=same)

    assert isinstance(empty, Action)
    assert isinstance(given, Action)
    assert (empty.language, given.language) == ("ru", "en")


@pytest.mark.parametrize(
    "formula",
    [
        '=HYPERLINK("http://evil.example","click")',
        "=1+1",
        " =1+1",
        "@SUM(1+9)*cmd|' /C calc'!A0",
        "+cmd|' /C notepad'!A1",
        "-AVERAGE(A1:A9)",
    ],
)
def test_a_formula_is_told_and_never_run(formula: str) -> None:
    assert faults({"Message": formula}) == [("Message", "formula")]


@pytest.mark.parametrize(
    "words",
    ["- We are many (and more) -", "+41 44 000 00 00", "@Mikita, we think of you", "-1", "1=1"],
)
def test_what_people_write_is_no_formula(words: str) -> None:
    assert action(Message=words).words == words


def test_what_is_not_read_may_hold_anything() -> None:
    assert action(Internal="=1+1").supporter_name == "Ana Beispiel"


def test_all_faults_of_a_row_are_told_by_their_columns() -> None:
    found = faults({"Name": "", "Email": "nobody", "Country": "Atlantis", "Message": "a\x07b"})

    assert found == [("Message", "control_character")]
    assert faults({"Name": "", "Email": "nobody", "Country": "Atlantis"}) == [
        ("Name", "empty"),
        ("Country", "unknown_country"),
        ("Email", "email_invalid"),
    ]


def test_a_lost_character_is_told() -> None:
    assert faults({"Name": "K\ufffdthe"}) == [("Name", "lost_character")]


def test_a_cell_in_utf8_among_others_in_a_code_page_is_told() -> None:
    mixed = "Käthe".encode().decode("cp1252")

    assert faults({"Name": mixed}, encoding="cp1252") == [("Name", "mixed_encoding")]
    assert isinstance(understand({"Name": "Käthe"}, encoding="cp1252"), Action)


def test_a_row_with_more_cells_than_there_are_names_is_told() -> None:
    assert faults({"Name": "Beispiel"}, more=["Ana"]) == [(None, "too_many_cells")]


def test_what_stands_in_no_column_is_told_by_its_field() -> None:
    found = understand({"Name": "Ana"}, same=SAME | {ActionField.CHANNEL: "fax"})

    assert isinstance(found, list)
    assert [(one.column, one.code) for one in found] == [(None, "unknown_word")]
    assert found[0].detail.startswith("`channel`: ")


def test_no_fault_quotes_what_a_cell_holds() -> None:
    found = understand(
        {"Name": "", "Email": "secret-nobody", "Country": "secret-land", "Kind": "secret-kind"},
        same=SAME,
    )

    assert isinstance(found, list)
    assert "secret" not in str(found)
