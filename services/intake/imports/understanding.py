"""Reads a row of texts as an action: what the person at the table meant, or its faults by column.

In: rows, the map that fits the file, whose file it is.  Out: `Action`s, or every fault of a row at
once.  A text is never run, and what is unclear is never guessed.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import UUID

from babel import Locale
from pydantic import ValidationError

from services.intake.accept import Action, accept
from services.intake.imports.mapping import POINTERS, ActionField, Fitted
from services.intake.imports.reading import Row
from services.intake.imports.unreadable import ROW_FAULTS, RowFault
from services.intake.models import NewAction
from services.intake.offer import is_country
from shared.api_keys import Client
from shared.catalogue import Catalogue
from shared.faults import Fault, Refused
from shared.http.bodies import faults_of

# A formula, or a call of one as spreadsheets take it: "+41 44 …" and "- we are many" are none.
_FORMULA = re.compile(r"\s*(=|[+\-@]\s*[A-Za-z_.]+[(|])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOST = "\ufffd"  # what an unreadable byte becomes
_LANGUAGES = ("en", "es", "fr", "de", "ru", "ar")
_YES = "yes|y|true|1|x|✓|✔|sí|si|oui|ja|да|نعم|agreed|ok"
_NO = "no|n|false|0|-|non|nein|нет|لا"
_ANSWERS = {word: True for word in _YES.split("|")} | {word: False for word in _NO.split("|")}
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # day first, wherever dots are used
_SHORT = {"usa": "US", "u.s.a.": "US", "uk": "GB"}  # as people write them; UK is no code
_BY_POINTER = {pointer: one for one, pointer in POINTERS.items()}


class _Unclear(Exception):
    """A text that could mean several things.  Carries a code of ROW_FAULTS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What is needed to read rows of one file."""

    import_id: UUID
    fitted: Fitted
    encoding: str  # the file's; empty for a workbook
    client: Client
    catalogue: Catalogue
    identity_key: bytes = field(repr=False)
    open_at: dt.datetime | None = None  # when the campaign must be open; None: when it is taken

    def action(self, row: Row, at: dt.datetime) -> Action | list[RowFault]:
        """The action as it would be taken at that moment, or all that is wrong with the row."""
        values, faults = self.values(row)
        if not faults:
            try:
                asked = NewAction.model_validate(_nested(values))
                taken = accept(
                    asked,
                    self.client,
                    catalogue=self.catalogue,
                    identity_key=self.identity_key,
                    at=self.open_at or at,
                )
                return replace(
                    taken, accepted_at=at, import_id=self.import_id, import_row=row.number
                )
            except ValidationError as error:
                faults = list(self._placed(row, faults_of(error)))
            except Refused as refused:
                faults = list(self._placed(row, refused.faults))
        return faults

    def values(self, row: Row) -> tuple[dict[ActionField, Any], list[RowFault]]:
        """What the row says of each field that it says something of."""
        values: dict[ActionField, Any] = {}
        faults: list[RowFault] = []
        if len(row.cells) > len(self.fitted.header):
            detail = ROW_FAULTS["too_many_cells"]
            faults.append(RowFault(row.number, None, "too_many_cells", detail))
        for one, text in self._texts(row):
            try:
                _refuse_odd(text, self.encoding)
                values[one] = _READ.get(one, str.strip)(text)
            except _Unclear as unclear:
                faults.append(self._fault(row, one, unclear.code, ROW_FAULTS[unclear.code]))
        return values, faults

    def _texts(self, row: Row) -> Iterator[tuple[ActionField, str]]:
        cells, places, defaults = row.cells, self.fitted.places, self.fitted.defaults
        for one, place in places.items():
            text = cells[place] if place < len(cells) else ""
            text = text if text and not text.isspace() else defaults.get(one, "")
            if text:
                yield one, text
        for one, text in defaults.items():
            if one not in places:
                yield one, text

    def _placed(self, row: Row, found: Iterable[Fault]) -> Iterator[RowFault]:
        for fault in found:
            pointer = fault.pointer.rstrip("/0123456789")  # /recipients/2: the column of all
            one = _BY_POINTER.get(pointer)
            if one is None:
                yield RowFault(row.number, None, fault.code, fault.detail)
            else:
                yield self._fault(row, one, fault.code, fault.detail)

    def _fault(self, row: Row, one: ActionField, code: str, detail: str) -> RowFault:
        column = self.fitted.column(one)
        # Where the file has no such column, what is the same in every row is wrong, or missing.
        said = detail if column is not None else f"`{one}`: {detail}"
        return RowFault(row.number, column, code, said)


def _refuse_odd(text: str, encoding: str) -> None:
    """Raises _Unclear on what would be run, and on what is not what was typed."""
    if _FORMULA.match(text):
        raise _Unclear("formula")
    if text.isascii() and text.isprintable():
        return
    if _LOST in text:
        raise _Unclear("lost_character")
    if _CONTROL.search(text):
        raise _Unclear("control_character")
    if encoding and not encoding.startswith("utf") and _is_utf8(text, encoding):
        raise _Unclear("mixed_encoding")


def _is_utf8(text: str, encoding: str) -> bool:
    """Whether the bytes are UTF-8: in a code page, that is no accident."""
    try:
        return not text.isascii() and bool(text.encode(encoding).decode())
    except UnicodeError:
        return False


def _nested(values: Mapping[ActionField, Any]) -> dict[str, Any]:
    """As the body of POST /v1/actions has them."""
    body: dict[str, Any] = {"supporter": {"name": _name(values)}, "consent": {}}
    for one, pointer in POINTERS.items():
        if one in values and one is not ActionField.NAME:
            *above, last = pointer.split("/")[1:]
            inside = body[above[0]] if above else body
            inside[last] = values[one]
    return body


def _name(values: Mapping[ActionField, Any]) -> str:
    parts = (values.get(one) for one in (ActionField.GIVEN_NAME, ActionField.FAMILY_NAME))
    return values.get(ActionField.NAME) or " ".join(part for part in parts if part)


def _answer(text: str) -> bool:
    try:
        return _ANSWERS[text.strip().casefold()]
    except KeyError:
        raise _Unclear("unclear_answer") from None


def _moment(text: str) -> dt.datetime:
    """A day begins at midnight, UTC; a moment without a zone is UTC."""
    text = text.strip()
    try:
        if dotted := _DOTTED_DAY.fullmatch(text):
            day, month, year = map(int, dotted.groups())
            return dt.datetime(year, month, day, tzinfo=dt.UTC)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _Unclear("unclear_moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _country(text: str) -> str:
    """The code; of a name that no country has, the text as it is."""
    text = text.strip()
    return _countries().get(text.casefold(), text.upper() if len(text) == 2 else text)


@cache
def _countries() -> Mapping[str, str]:
    names = dict(_SHORT)
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if is_country(str(code)):
                names.setdefault(name.casefold(), str(code))
    return names


def _slug(text: str) -> str:
    """ "Zhang Zhan" as its slug, zhang-zhan."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or text.strip()


def _word(text: str) -> str:
    return text.strip().casefold().replace(" ", "_").replace("-", "_")


def _language(text: str) -> str:
    text = text.strip().replace("_", "-")
    return text.lower() if "-" not in text else text


def _slugs(text: str) -> list[str]:
    return re.split(r"[\s,;|]+", text.strip())


_READ: Mapping[ActionField, Callable[[str], Any]] = {
    ActionField.COUNTRY: _country,
    ActionField.CASE: _slug,
    ActionField.KIND: _word,
    ActionField.CHANNEL: _word,
    ActionField.LANGUAGE: _language,
    ActionField.RECIPIENTS: _slugs,
    ActionField.OCCURRED_AT: _moment,
    ActionField.SHOW_NAME: _answer,
    ActionField.SHOW_COUNTRY: _answer,
    ActionField.REPLIES: _answer,
    ActionField.MAILINGS: _answer,
}
