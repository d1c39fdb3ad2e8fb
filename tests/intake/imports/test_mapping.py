"""Columns are recognised by what they are called; what its sender says goes first."""

import pytest

from services.intake.imports.mapping import (
    DEFAULTS,
    PERSONAL,
    POINTERS,
    ActionField,
    ColumnMap,
    fit,
    recognise,
)
from services.intake.imports.unreadable import FileFault

SAME = {ActionField.CASE: "mikita", ActionField.CHANNEL: "email"}


def words_of(header: str) -> dict[str, str]:
    return {name: one.value for name, one in recognise(header.split(";")).items()}


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (
            "Full name;E-mail;Country;Message;Date",
            ["name", "email", "country", "words", "occurred_at"],
        ),
        (
            "Nombre completo;Correo electrónico;País;Mensaje;Fecha",
            ["name", "email", "country", "words", "occurred_at"],
        ),
        (
            "Prénom;Nom de famille;Courriel;Pays;Lettre;Langue",
            ["given_name", "family_name", "email", "country", "words", "language"],
        ),
        (
            "Vorname;Nachname;E-Mail-Adresse;Land;Nachricht;Sprache;Fall",
            ["given_name", "family_name", "email", "country", "words", "language", "case"],
        ),
        (
            "ФИО;Электронная почта;Страна;Сообщение;Дата",
            ["name", "email", "country", "words", "occurred_at"],
        ),
        (
            "الاسم الكامل;البريد الإلكتروني;البلد;الرسالة;التاريخ",
            ["name", "email", "country", "words", "occurred_at"],
        ),
        (
            "show_name;SHOW COUNTRY;Replies;mailings;supporter_ref",
            ["show_name", "show_country", "replies", "mailings", "supporter_ref"],
        ),
    ],
)
def test_columns_are_recognised_in_six_languages(header: str, known: list[str]) -> None:
    assert words_of(header) == dict(zip(header.split(";"), known, strict=True))


def test_a_short_word_for_a_name_means_what_stands_beside_it() -> None:
    assert words_of("Nom") == {"Nom": "name"}
    assert words_of("Nom;Prénom") == {"Nom": "family_name", "Prénom": "given_name"}
    assert words_of("Nombre") == {"Nombre": "name"}
    assert words_of("Nombre;Apellidos") == {"Nombre": "given_name", "Apellidos": "family_name"}


def test_what_nobody_recognises_is_not_read() -> None:
    fitted = fit(ColumnMap(defaults=SAME), ["Name", "Shoe size"])

    assert fitted.columns == {"Name": ActionField.NAME}


def test_the_senders_word_goes_before_what_is_recognised() -> None:
    said = ColumnMap({"Remarks": ActionField.WORDS, "Email": None}, SAME)

    fitted = fit(said, ["Name", "Email", "Message", "Remarks"])

    assert fitted.columns == {"Name": ActionField.NAME, "Remarks": ActionField.WORDS}


@pytest.mark.parametrize(
    ("columns", "header", "code"),
    [
        ({"Words": ActionField.WORDS}, ["Name"], "column_missing"),
        ({"A": ActionField.WORDS, "B": ActionField.WORDS}, ["Name", "A", "B"], "field_repeated"),
        ({}, ["Name", "Name"], "column_repeated"),
        ({}, ["Email"], "field_missing"),
        ({"Name": None}, ["Name"], "field_missing"),
    ],
)
def test_a_map_that_does_not_fit_is_told(
    columns: dict[str, ActionField | None], header: list[str], code: str
) -> None:
    with pytest.raises(FileFault) as raised:
        fit(ColumnMap(columns, SAME), header)

    assert raised.value.code == code


@pytest.mark.parametrize("missing", [ActionField.CASE, ActionField.CHANNEL])
def test_what_every_action_needs_must_come_from_somewhere(missing: ActionField) -> None:
    given = {one: text for one, text in SAME.items() if one is not missing}

    with pytest.raises(FileFault) as raised:
        fit(ColumnMap(defaults=given), ["Name"])

    assert raised.value.detail.startswith(f"`{missing}`: No column gives this field")


def test_every_field_has_its_place_in_an_action() -> None:
    assert set(POINTERS) == set(ActionField) - {ActionField.GIVEN_NAME, ActionField.FAMILY_NAME}


def test_nothing_personal_but_the_country_is_the_same_in_every_row() -> None:
    assert PERSONAL & set(DEFAULTS) == {ActionField.COUNTRY}
