"""Tells phone numbers from the other numbers of a letter: dates, years, sums, files of a court.

In: a folded text.  Out: yes or no.  Forms: ITU-T E.123 for what begins with + or 00, and the
national forms that people write most; a bare number without a word that it is a phone's is none.
"""

import re

_RUN = re.compile(r"\d(?:[ \-./()\u2010-\u2015]{0,3}\d){5,}")
_DATE = re.compile(
    r"(?:\d{1,2}([./\- ])\d{1,2}\1(?:19|20)?\d{2}|(?:19|20)\d{2}([./-])\d{1,2}\2\d{1,2})"
    r"(?![./\- ]?\d)"
)
_YEAR = re.compile(r"(?:^|[\-/.])(?:19|20)\d{2}(?:$|[\-/])")
# 212-555-0187; (212) 555 0187; 8 912 345-67-89; 138 1234 5678
_NATIONAL = re.compile(
    r"(?:1[ .-]?)?\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}"
    r"|8[ -]?\(?[489]\d\d\)?[ -]?\d{3}[ -]?\d\d[ -]?\d\d"
    r"|1[3-9]\d[ -]?\d{4}[ -]?\d{4}"
)
_LOOK_BACK = 24  # characters
_OF_A_PHONE = re.compile(
    r"phone|\btel\b|tele?f|whats ?app|viber|telegram|\bmobile?\b|\bmovil|portable|\bfax\b"
    r"|(?:call|text) me|ll[aá]ma(?:me|nos)|appelez|my number|mi numero|mon numero"
    r"|\bтел\b|телефон|позвони|дзвоніть|вайбер|вотсап|ватсап|мой номер|міи номер"
    r"|هاتف|جوال|موبايل|واتس|اتصل|โทร|เบอร์|电话|電話|手机|手機|致电|拨打|我的号码"
)
_OF_A_FILE = re.compile(
    r"(?:\b(?:no|nr|num|numero|case|file|causa|expediente|exp|dossier|affaire|ref|reference|prisoner"
    r"|inmate|article|law|act|id|isbn)|дел[оау]|справ[аиу]|статт?[яиеі]|#|قضيه|رقم"
    r"|القانون|คดี|หมายเลข|案|号|號)[ .:#]{0,3}$"
)


def has_phone_number(folded: str) -> bool:
    return any(_is_phone(folded, found) for found in _RUN.finditer(folded))


def _is_phone(folded: str, found: re.Match[str]) -> bool:
    run, start = found[0], found.start()
    before = folded[max(0, start - _LOOK_BACK) : start]
    if _DATE.match(run):
        return False
    if _OF_A_PHONE.search(before):
        return True
    if _OF_A_FILE.search(before) or _YEAR.search(run):
        return False
    digits = [int(one) for one in run if one.isdigit()]
    if before.rstrip("(").endswith("+") or (digits[:2] == [0, 0] and digits[2]):
        return 8 <= len(digits) <= 17
    if digits[0] == 0:
        return 9 <= len(digits) <= 12
    return _NATIONAL.fullmatch(run) is not None
