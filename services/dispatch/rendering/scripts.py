"""How each language is set: its direction, its fonts, the pitch of its lines.

In: a language tag of a composition or a text a person wrote. Out: a `Setting` for the letter's
template, and the same text with the marks that only setting needs (isolates, soft breaks).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.dispatch.rendering.fonts import PICTURES, SANS, SCRIPTS, SERIF

Family = str | dict[str, str]
"""A family's name, or a name with the range it covers, as Typst's `text(font: …)` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one language is set.  `pitch` is baseline to baseline, in em; sizes are points."""

    lang: str
    region: str | None
    rtl: bool
    families: tuple[Family, ...]  # body text, first choice first
    plain: tuple[str, ...]  # address, sender line and reference: sans, for machines that read
    pitch: float
    cjk: bool  # both edges straight, as Chinese and Japanese readers expect
    wide_quotes: bool  # of the script's own font; within a Latin word they would tear it apart
    sizes: tuple[float, float]  # the normal size, and a smaller one that may save a second page


RTL: Final = frozenset({"ar", "ckb", "fa", "he", "ps", "sd", "ug", "ur", "yi"})

SCRIPT_OF: Final = {
    **dict.fromkeys(("ar", "ckb", "fa", "ps", "sd", "ug", "ur"), "Arabic"),
    **dict.fromkeys(("he", "yi"), "Hebrew"),
    **dict.fromkeys(("hi", "mr", "ne"), "Devanagari"),
    **dict.fromkeys(("as", "bn"), "Bengali"),
    **dict.fromkeys(("am", "ti"), "Ethiopic"),
    **dict.fromkeys(("my", "shn"), "Myanmar"),
    "th": "Thai",
    "lo": "Lao",
    "km": "Khmer",
    "pa": "Gurmukhi",
    "gu": "Gujarati",
    "or": "Oriya",
    "ta": "Tamil",
    "te": "Telugu",
    "kn": "Kannada",
    "ml": "Malayalam",
    "si": "Sinhala",
    "ka": "Georgian",
    "hy": "Armenian",
}
"""Languages that lead with a script of their own; all others are Latin, Cyrillic or Greek."""

CJK_OF: Final = {"zh": "SC", "ja": "JP", "ko": "KR"}
TRADITIONAL: Final = {"TW": "TC", "HANT": "TC", "HK": "HK", "MO": "HK"}

# Marks above and below need room; Burmese most (pdf.md: its stacks collide at the usual pitch).
PITCH_OF: Final = {
    **dict.fromkeys(("Arabic", "Thai", "Lao", "Khmer"), 1.65),
    **dict.fromkeys(("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya"), 1.6),
    **dict.fromkeys(("Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Ethiopic"), 1.6),
    "Myanmar": 1.85,
    "CJK": 1.65,
}
USUAL_PITCH: Final = 1.42

# Measured: their ’ is up to twice as wide as the Latin font's. Devanagari and Bengali are not here:
# they have the letter that APOSTROPHE would put in its place, as wide again.
WIDE_QUOTES: Final = frozenset(
    {"Armenian", "CJK", "Gurmukhi", "Kannada", "Malayalam", "Myanmar", "Oriya", "Sinhala"}
    | {"Tamil", "Telugu"}
)

SIZES_OF: Final = {"Arabic": (11.5, 10.5), "Thai": (11.5, 10.5), "CJK": (10.5, 10.0)}
USUAL_SIZES: Final = (10.5, 10.0)


@cache
def setting_for(language: str) -> Setting:
    """The setting of a BCP 47 tag ("en", "pt-BR", "zh-Hant"); an unknown one is set as Latin."""
    lang, *subtags = language.replace("_", "-").split("-")
    lang = lang.lower()
    cjk = _cjk(lang, subtags)
    script = "CJK" if lang in CJK_OF else SCRIPT_OF.get(lang, "")
    plain = _plain(script, f"{SANS} CJK {cjk}")
    region = next((tag.upper() for tag in subtags if len(tag) == 2 and tag.isalpha()), None)
    return Setting(
        lang=lang,
        region=region,
        rtl=lang in RTL,
        families=_body(script, plain),
        plain=plain,
        pitch=PITCH_OF.get(script, USUAL_PITCH),
        cjk=script == "CJK",
        wide_quotes=script in WIDE_QUOTES,
        sizes=SIZES_OF.get(script, USUAL_SIZES),
    )


def _cjk(lang: str, subtags: list[str]) -> str:
    """Which regional shapes Han characters take: a name in a Latin letter gets the simplified."""
    places = [TRADITIONAL[tag.upper()] for tag in subtags if tag.upper() in TRADITIONAL]
    return places[0] if lang == "zh" and places else CJK_OF.get(lang, "SC")


def _plain(script: str, cjk: str) -> tuple[str, ...]:
    lead = {"": (SANS,), "CJK": (SANS, cjk)}.get(script, (f"{SANS} {script}", SANS))
    return tuple(dict.fromkeys((*lead, *SCRIPTS, cjk, *PICTURES)))


def _body(script: str, plain: tuple[str, ...]) -> tuple[Family, ...]:
    if script == "CJK":
        # Quotes, dashes and dots come from the CJK font; only Latin words from the Latin one.
        return ({"name": SANS, "covers": "latin-in-cjk"}, *plain[1:], SANS)
    return plain if script else (SERIF, *plain)


# --- Marks in the text -------------------------------------------------------------------------

LRI, PDI, SOFT_BREAK = "\u2066", "\u2069", "\u200b"

# A phone or a number of three groups. A bracket belongs to it only where it closes within: parted
# from the other, it would turn around. Two groups alone may be a range of years, and a reader of
# Arabic expects "2019-2021" to run from right to left.
GAP: Final = r"[ \u00a0./()\-\u2010\u2011\u2013]{1,2}"
GROUPED_DIGITS: Final = re.compile(
    rf"(?:\(?\+\(?|\((?=\d+\))|(?<!\d)[0\u0660\u06f0])\d+(?:{GAP}\d+)+|\d+(?:{GAP}\d+){{2,}}"
)

# A CJK font sets quotes as wide as a character, which would tear "O’Neill" apart, and a Burmese one
# in its own shape; the apostrophe that Unicode counts as a letter comes from the Latin font.
APOSTROPHE: Final = re.compile(r"(?<=[A-Za-z\u00c0-\u024f])['\u2019](?=[A-Za-z\u00c0-\u024f])")
LETTER_APOSTROPHE: Final = "\u02bc"

# Scripts written without spaces find their own breaks; one put in by count would split a word.
UNSPACED: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uaa60-\uaa7f\uac00-\ud7af"
    r"\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
TALL: Final = re.compile(r"[\u0900-\u109f\u1780-\u17ff]")  # Devanagari to Burmese, and Khmer

# 40 letters fit a line even in bold capitals, and German and Finnish have words of 30.
LONG_TOKEN: Final = re.compile(rf"[^\s{UNSPACED}]{{41,}}")
STEP: Final = 24
SEAMS: Final = "/.?&=_@"
PLAINER: Final = {ord("\t"): " ", 0x20E3: None}  # a tab has no width; a keycap lands off its digit
JOINERS: Final = "\u200d\u2060"


def marked(text: str, setting: Setting) -> str:
    """Text ready for the template: the same words, with the marks that this setting needs."""
    text = soften(text)
    if setting.rtl:
        text = isolate_numbers(text)
    if setting.wide_quotes:
        text = APOSTROPHE.sub(LETTER_APOSTROPHE, text)
    return text


def starts_rtl(text: str) -> bool:
    """True when the first letter that has a direction is Hebrew or Arabic (UAX #9, rule P2)."""
    for char in text:
        match unicodedata.bidirectional(char):
            case "L":
                return False
            case "R" | "AL":
                return True
    return False


def reads_rtl(text: str) -> bool:
    """True when any letter of the text is Hebrew or Arabic: its line is set in both directions."""
    return any(unicodedata.bidirectional(char) in {"R", "AL"} for char in text)


def stands_tall(text: str) -> bool:
    """True when the text holds a script whose marks need more room between lines."""
    return TALL.search(text) is not None


def isolate_numbers(text: str) -> str:
    """Text of a right-to-left paragraph with each grouped number kept in reading order.

    UAX #9 would print the groups of "+44 20 7413" backwards; LRI … PDI around them prevents it.
    """
    return GROUPED_DIGITS.sub(lambda found: f"{LRI}{found[0]}{PDI}", text)


def soften(text: str) -> str:
    """Text in which no token runs off the paper: U+200B wherever one has gone on for 24 characters.

    Tokens of up to 40 characters stay whole; addresses of web and mail break after their seams.
    """
    return LONG_TOKEN.sub(lambda found: _soften_token(found[0]), text.translate(PLAINER))


def _soften_token(token: str) -> str:
    out: list[str] = []
    since = 0
    for char in token:
        if since and _may_break(out[-1], char, since=since):
            out.append(SOFT_BREAK)
            since = 0
        out.append(char)
        since += 1
    return "".join(out)


def _may_break(before: str, after: str, *, since: int) -> bool:
    if before in SEAMS:
        return after not in SEAMS
    # Never before a mark or a joiner: it belongs to the letter it follows.
    whole = unicodedata.category(after)[0] not in "MC" and before not in JOINERS
    return since >= STEP and whole
