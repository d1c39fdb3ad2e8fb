"""Which column of a file is which field of an action, and what is the same in every row.

In: the first row of a file, and what its sender said of it (`ColumnMap`).  Out: `Fitted`, a place
for each field.  Columns that nobody mentioned are recognised by their names, in six languages.
Raises FileFault.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.intake.imports.unreadable import FileFault


class ActionField(StrEnum):
    """A field of an action, as maps name it."""

    NAME = "name"
    GIVEN_NAME = "given_name"  # with the family name it becomes the name
    FAMILY_NAME = "family_name"
    EMAIL = "email"
    COUNTRY = "country"  # its code, or its name in one of six languages
    SUPPORTER_REF = "supporter_ref"
    WORDS = "words"
    CASE = "case"  # its slug, or its name
    KIND = "kind"
    CHANNEL = "channel"
    LANGUAGE = "language"
    RECIPIENTS = "recipients"  # slugs, parted by spaces or commas
    SOURCE = "source"
    REFERENCE = "reference"
    OCCURRED_AT = "occurred_at"  # a date, or a moment
    SHOW_NAME = "show_name"  # yes or no, as all that follow
    SHOW_COUNTRY = "show_country"
    REPLIES = "replies"
    MAILINGS = "mailings"


#: Where the field stands in the body of POST /v1/actions.
POINTERS: Mapping[ActionField, str] = {
    ActionField.NAME: "/supporter/name",
    ActionField.EMAIL: "/supporter/email",
    ActionField.COUNTRY: "/supporter/country",
    ActionField.SUPPORTER_REF: "/supporter/ref",
    ActionField.WORDS: "/words",
    ActionField.CASE: "/case",
    ActionField.KIND: "/kind",
    ActionField.CHANNEL: "/channel",
    ActionField.LANGUAGE: "/language",
    ActionField.RECIPIENTS: "/recipients",
    ActionField.SOURCE: "/source",
    ActionField.REFERENCE: "/reference",
    ActionField.OCCURRED_AT: "/occurred_at",
    ActionField.SHOW_NAME: "/consent/show_name",
    ActionField.SHOW_COUNTRY: "/consent/show_country",
    ActionField.REPLIES: "/consent/replies",
    ActionField.MAILINGS: "/consent/mailings",
}
#: What tells who somebody is, or what they wrote: never a default, and never shown whole.
PERSONAL = frozenset(
    {
        ActionField.NAME,
        ActionField.GIVEN_NAME,
        ActionField.FAMILY_NAME,
        ActionField.EMAIL,
        ActionField.COUNTRY,
        ActionField.SUPPORTER_REF,
        ActionField.WORDS,
        ActionField.REFERENCE,
    }
)
#: What may be the same in every row.
DEFAULTS = tuple(one for one in ActionField if one not in PERSONAL or one is ActionField.COUNTRY)
_NEEDED = (ActionField.CASE, ActionField.CHANNEL)
_NAMES = (ActionField.NAME, ActionField.GIVEN_NAME, ActionField.FAMILY_NAME)

# What columns are called, in English, Spanish, French, German, Russian and Arabic.
_CALLED: Mapping[ActionField, str] = {
    ActionField.NAME: "name|full name|supporter|supporter name|your name|nombre completo|"
    "nombre y apellidos|nombre y apellido|nom complet|nom et prénom|prénom et nom|nom|"
    "vor und nachname|vollständiger name|name vorname|имя и фамилия|фио|полное имя|"
    "الاسم الكامل|الاسم",
    ActionField.GIVEN_NAME: "first name|given name|forename|firstname|nombre|prénom|vorname|имя|"
    "الاسم الأول",
    ActionField.FAMILY_NAME: "last name|family name|surname|lastname|apellido|apellidos|"
    "nom de famille|nachname|familienname|фамилия|اسم العائلة|اللقب",
    ActionField.EMAIL: "email|e mail|email address|e mail address|mail|correo|correo electrónico|"
    "dirección de correo|courriel|adresse e mail|adresse email|adresse électronique|"
    "e mail adresse|email adresse|электронная почта|эл почта|почта|адрес электронной почты|"
    "البريد الإلكتروني|البريد الالكتروني|بريد إلكتروني",
    ActionField.COUNTRY: "country|country code|país|pays|land|страна|البلد|الدولة",
    ActionField.SUPPORTER_REF: "supporter ref|supporter id|person id|contact id",
    ActionField.WORDS: "words|message|your message|text|letter|comment|mensaje|texto|carta|"
    "palabras|comentario|lettre|texte|mots|commentaire|nachricht|worte|brieftext|botschaft|kommentar|"
    "сообщение|текст|слова|письмо|комментарий|رسالة|الرسالة|النص|نص الرسالة|الكلمات",
    ActionField.CASE: "case|caso|cas|fall|дело|القضية|الحالة",
    ActionField.KIND: "kind|type|tipo|genre|art|вид|тип|النوع",
    ActionField.CHANNEL: "channel|canal|kanal|канал|القناة",
    ActionField.LANGUAGE: "language|lang|idioma|lengua|langue|sprache|язык|اللغة",
    ActionField.RECIPIENTS: "recipients|recipient|destinatario|destinatarios|destinataire|"
    "destinataires|empfänger|адресат|получатель|المرسل إليه",
    ActionField.SOURCE: "source|event|place|origen|evento|lugar|événement|lieu|quelle|"
    "veranstaltung|ort|мероприятие|источник|место|المصدر|الفعالية|المكان",
    ActionField.REFERENCE: "reference|ref|id|number|referencia|número|référence|numéro|referenz|"
    "nummer|номер|ссылка|المرجع|الرقم",
    ActionField.OCCURRED_AT: "occurred at|date|date time|timestamp|signed at|fecha|date et heure|"
    "datum|дата|التاريخ",
    ActionField.SHOW_NAME: "show name|show my name|mostrar nombre|afficher le nom|name zeigen|"
    "показать имя|إظهار الاسم",
    ActionField.SHOW_COUNTRY: "show country|mostrar país|afficher le pays|land zeigen|"
    "показать страну|إظهار البلد",
    ActionField.REPLIES: "replies|reply|may reply|respuestas|réponses|antworten|ответы|الردود",
    ActionField.MAILINGS: "mailings|newsletter|keep me informed|boletín|lettre d information|"
    "rundbrief|рассылка|النشرة البريدية",
}
_NOT_A_LETTER = re.compile(r"[\W_]+")
_KNOWN = {word: field for field, words in _CALLED.items() for word in words.split("|")}
_KNOWN |= {field.value.replace("_", " "): field for field in ActionField}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What the sender said.  A column mapped to None is not read."""

    columns: Mapping[str, ActionField | None] = field(default_factory=dict)
    defaults: Mapping[ActionField, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A map that fits a file: at which place each field stands."""

    places: Mapping[ActionField, int]
    defaults: Mapping[ActionField, str]
    header: Sequence[str] = field(repr=False)

    @property
    def columns(self) -> dict[str, ActionField]:
        """Only those that are read: what nobody recognised may be a person, not a name for one."""
        return {self.header[place]: one for one, place in self.places.items()}

    def column(self, one: ActionField) -> str | None:
        """The file's own name for it; None where it is not in the file."""
        if one is ActionField.NAME and one not in self.places:
            one = (
                ActionField.GIVEN_NAME
                if ActionField.GIVEN_NAME in self.places
                else ActionField.FAMILY_NAME
            )
        place = self.places.get(one)
        return None if place is None else self.header[place]


def fit(said: ColumnMap, header: Sequence[str]) -> Fitted:
    """The map for a file with these columns.  Raises FileFault."""
    places = _named(said, header)
    for name, one in recognise(header, given=places).items():
        if name not in said.columns:
            places.setdefault(one, header.index(name))
    for place in places.values():
        if header.count(header[place]) > 1:
            raise FileFault("column_repeated", name=header[place])
    _has_all(places, said.defaults)
    return Fitted(places, said.defaults, header)


def _named(said: ColumnMap, header: Sequence[str]) -> dict[ActionField, int]:
    places: dict[ActionField, int] = {}
    for name, one in said.columns.items():
        if name not in header:
            raise FileFault("column_missing", name=name)
        if one in places:
            raise FileFault("field_repeated", name=one)
        if one is not None:
            places[one] = header.index(name)
    return places


def recognise(
    header: Sequence[str], *, given: Iterable[ActionField] = ()
) -> dict[str, ActionField]:
    """What the columns' names say, for fields that are not given yet; the first of each wins."""
    found: dict[str, ActionField] = {}
    for name in header:
        known = _KNOWN.get(_NOT_A_LETTER.sub(" ", name.casefold()).strip())
        if known and known not in found.values() and known not in given:
            found.setdefault(name, known)
    return _parts_of_names(found)


def _parts_of_names(found: dict[str, ActionField]) -> dict[str, ActionField]:
    """Beside "Prénom", "Nom" is the family's; "Nombre" without "Apellidos" is the whole name."""
    parts = {one: name for name, one in found.items() if one in _NAMES}
    given, whole = ActionField.GIVEN_NAME in parts, ActionField.NAME in parts
    if given and whole and ActionField.FAMILY_NAME not in parts:
        return found | {parts[ActionField.NAME]: ActionField.FAMILY_NAME}
    if given and len(parts) == 1:
        return found | {parts[ActionField.GIVEN_NAME]: ActionField.NAME}
    return found


def _has_all(places: Iterable[ActionField], defaults: Iterable[ActionField]) -> None:
    there = {*places, *defaults}
    if there.isdisjoint(_NAMES):
        raise FileFault("field_missing", name=ActionField.NAME)
    for needed in _NEEDED:
        if needed not in there:
            raise FileFault("field_missing", name=needed)
