"""Every kind of fault a pack can have is named with its file and line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.intake.packs.read import PackFaults, read_pack
from tests.intake.small_pack import ADA, APPEAL, CARD, CASE, OFFICE, PACK, SMALL, a_pack


def faults_of(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(PackFaults) as found:
        read_pack(folder)
    return [(fault.file, fault.line, fault.message) for fault in found.value.faults]


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip of the pen: in `file`, `old` became `new`; the fault stands at `line`."""

    file: str
    old: str
    new: str
    line: int
    says: str
    elsewhere: str = ""  # the file that is at fault, where it is another


BOX_END = '"office@small.example"\nsource = "invented"\n'

SLIPS = {
    "broken TOML": Slip(CASE, '"Ada"', '"Ada', 1, "not valid TOML"),
    "TOML that ends too early": Slip(ADA, "Dear Ada", 'Dear Ada" # "', 8, "not valid TOML"),
    "an unknown key": Slip(CASE, "summary =", "sumary =", 3, "did you mean `summary`?"),
    "an unknown key in a table": Slip(OFFICE, 'email = "office', 'mail = "office', 27, "unknown"),
    "a list by its inner name": Slip(OFFICE, "[[mailbox]]", "[[mailboxes]]", 26, "`mailbox`?"),
    "a missing key": Slip(CASE, "ask =", "# ask =", 1, "`ask` is missing"),
    "a missing key in a table": Slip(
        OFFICE, 'name = "Second', '# name = "S', 14, "`holder.1.name`"
    ),
    "a wrong type": Slip(PACK, "2030-01-01", '"soon"', 4, "valid date"),
    "a word for a truth": Slip(CASE, "[policy]", '[policy]\nstopped = "yes"', 11, "boolean"),
    "an unknown word": Slip(CASE, '"letter"', '"fax"', 11, "'email', 'letter'"),
    "a code that is no code": Slip(CASE, '"BY"', '"Belarus"', 2, "pattern"),
    "another slug than the folder": Slip(PACK, '"small"', '"big"', 1, "must be 'small'"),
    "another slug than the file": Slip(ADA, "kind", 'slug = "eve"\nkind', 1, "must be 'ada'"),
    "a case in another campaign": Slip(CASE, "name", 'campaign = "x"\nname', 1, "'small'"),
    "an end before the beginning": Slip(PACK, "2030-02-01", "2029-01-01", 5, "before `opens`"),
    "a sender without a mailbox": Slip(PACK, "letters@", "letters", 9, "not an email address"),
    "answers without a mailbox": Slip(
        PACK, "opens", 'replies = "campaign"\nopens', 4, "needs `mailbox` under [sender]"
    ),
    "answers to an unknown place": Slip(PACK, "opens", 'replies = "us"\nopens', 4, "'campaign'"),
    "a mailbox that is none": Slip(PACK, "place", 'mailbox = "we"\nplace', 11, "not an email"),
    "a mailbox with a token already": Slip(
        PACK, "place", 'mailbox = "we+all@small.example"\nplace', 11, "leave out the `+`"
    ),
    "a mailbox too long for a token": Slip(
        PACK, "place", f'mailbox = "{"w" * 35}@small.example"\nplace', 11, "34 fit"
    ),
    "a forward of what is not read": Slip(
        PACK, "opens", "forward = true\nopens", 4, 'needs `replies = "campaign"`'
    ),
    "an unknown recipient": Slip(CASE, '"ada"', '"eve"', 8, "unknown recipient `eve`"),
    "a recipient of the other kind": Slip(CASE, '["office"]', '["ada"]', 6, "cannot stand"),
    "a recipient named twice": Slip(CASE, '["office"]', '["office", "office"]', 6, "twice"),
    "no channel at all": Slip(CASE, '["email", "letter"]', "[]", 11, "at least one channel"),
    "no kind at all": Slip(CASE, '["appeal", "solidarity"]', "[]", 12, "at least one kind"),
    "a moment without a zone": Slip(
        CASE, "[policy]", "[policy]\nembargo_until = 2030-01-01T08:00:00", 11, "timezone"
    ),
    "a name longer than its column": Slip(OFFICE, "Second", "S" * 201, 15, "at most 200"),
    "a language longer than its column": Slip(
        OFFICE, '["ru", "en"]', '["ru-aaaaaaaa-bbbbbbbb", "en"]', 4, "at most 16"
    ),
    "solidarity with nobody": Slip(CASE, '[\n  "ada",\n]', "[]", 7, "names no recipient"),
    "an unknown country of a case": Slip(CASE, '"BY"', '"ZZ"', 2, "unknown country 'ZZ'"),
    "an unknown country of an office": Slip(OFFICE, '"BY"\nlang', '"XQ"\nlang', 3, "'XQ'"),
    "an unknown country of an address": Slip(OFFICE, '"BY"\nsource', '"EU"\nsource', 24, "'EU'"),
    "an unknown time zone": Slip(OFFICE, "Europe/Minsk", "Europe/Homel", 5, "'Europe/Homel'"),
    "an unknown language": Slip(OFFICE, '["ru", "en"]', '["xx", "en"]', 4, "'xx'"),
    "no language": Slip(ADA, '["en"]', "[]", 4, "at least one language"),
    "a text nobody reads": Slip(ADA, '["en"]', '["be"]', 1, "no recipient", elsewhere=CARD),
    "no salutation for a text": Slip(
        ADA, "{ en", "{ be", 8, f"no salutation in 'en', which {CARD}"
    ),
    "a salutation with its comma": Slip(OFFICE, "Dear Office", "Dear Office,", 8, "without a mark"),
    "a holder's with its colon": Slip(OFFICE, "Dear Second", "Dear Second:", 17, "without a mark"),
    "an empty salutation": Slip(OFFICE, "Dear Office", " ", 8, "an empty salutation"),
    "until before since": Slip(OFFICE, "2030-01-15", "2029-01-15", 12, "before `since`"),
    "two holders at once": Slip(OFFICE, "until = 2030-01-15\n", "", 13, "overlaps"),
    "two addresses at once": Slip(
        OFFICE,
        "[[address]]",
        '[[address]]\nlines = ["A"]\ncountry = "BY"\nsource = ""\n[[address]]',
        23,
        "[[address]]",
    ),
    "no address and no reason": Slip(ADA, "paper_hold", "# paper_hold", 1, "no [[address]]"),
    "seven lines": Slip(OFFICE, '"Street 1",', '"S", "t", "r", "e",', 20, "7 lines; its"),
    "seven lines by a long office": Slip(OFFICE, "The Office", "Office " * 30, 20, "9 lines"),
    "no lines": Slip(OFFICE, '[\n  "Street 1",\n  "220000 Town",\n]', "[]", 20, "without lines"),
    "a line of 41 characters": Slip(OFFICE, "220000 Town", "T" * 41, 22, "41 characters"),
    "an empty line": Slip(OFFICE, "220000 Town", "", 20, "an empty line"),
    "a Cyrillic line": Slip(OFFICE, "220000 Town", "Минск", 22, "U+041C is not fit for post"),
    "lines and parts": Slip(
        OFFICE, "[[address]]", '[[address]]\nparts = { street = ["1"] }', 20, "not both"
    ),
    "a local script that is none": Slip(
        OFFICE, "[[address]]", '[[address]]\nlocal_lines = ["Minsk"]', 20, "another script"
    ),
    "a local line of 41 characters": Slip(
        OFFICE, "[[address]]", f"[[address]]\nlocal_lines = ['{'М' * 41}']", 20, "41 characters"
    ),
    "a region by its name": Slip(
        OFFICE, "[[address]]", '[[address]]\nregion = "Homel"', 20, "region"
    ),
    "the country's own line": Slip(OFFICE, "220000 Town", "BELARUS", 22, "it is added"),
    "the country in its language": Slip(OFFICE, "220000 Town", "Беларусь", 22, "it is added"),
    "no email address": Slip(OFFICE, "office@small.example", "office", 27, "not an email address"),
    "an email beyond ASCII": Slip(OFFICE, "office@", "büro@", 27, "not an email address"),
    "a pace of nothing": Slip(
        OFFICE, BOX_END, f"{BOX_END}[pace]\nper_hour = 0\n", 30, "or equal to 1"
    ),
    "a pace beyond any mailbox": Slip(
        OFFICE, BOX_END, f"{BOX_END}[pace]\nper_hour = 1201\n", 30, "or equal to 1200"
    ),
    "a digest at no hour": Slip(
        OFFICE, BOX_END, f"{BOX_END}[pace]\n\ndigest_hour = 24\n", 31, "or equal to 23"
    ),
    "a word of a pace that nobody knows": Slip(
        OFFICE, BOX_END, f"{BOX_END}[pace]\nper_day = 9\n", 30, "unknown key `pace.per_day`"
    ),
    "a region without holidays": Slip(
        OFFICE, BOX_END, f'{BOX_END}[pace]\nregion = "ZZ"\n', 30, "no region 'ZZ'"
    ),
    "no front matter": Slip(CARD, "---\nsubject", "subject", 1, "start with three lines"),
    "an unclosed front matter": Slip(CARD, "you\n---", "you", 1, "start with three lines"),
    "an unknown line in front": Slip(CARD, "For you", "For you\nfrom: me", 3, "`from`"),
    "no subject": Slip(CARD, "subject: For you\n", "", 1, "missing or empty"),
    "an empty subject": Slip(CARD, "For you", "", 2, "missing or empty"),
    "a subject in quotes": Slip(CARD, "For you", '"For you"', 2, "quotation marks"),
    "a subject of 151 characters": Slip(CARD, "For you", "x" * 151, 2, "151 characters"),
    "a long name in the subject": Slip(APPEAL, "Please", "x" * 143, 2, "152 characters"),
    "words in the subject": Slip(CARD, "For you", "{{ words }}", 2, "no placeholder but"),
    "an unknown placeholder": Slip(APPEAL, "Ada", "{{ cas }}", 7, "did you mean `case`?"),
    "a sum in a placeholder": Slip(APPEAL, "Ada", "{{ 7 * 7 }}", 7, "unknown placeholder"),
    "a statement": Slip(APPEAL, "was", "{% if x %}", 8, "it cannot compute"),
    "a comment": Slip(APPEAL, "was", "{# x #}", 8, "it cannot compute"),
    "an unclosed placeholder": Slip(APPEAL, "was", "{{ case", 8, "`{{` without its `}}`"),
    "an unopened placeholder": Slip(APPEAL, "was", "case }}", 8, "`}}` without its `{{`"),
    "a placeholder over two lines": Slip(APPEAL, "Ada", "{{\ncase }}", 7, "`{{` without"),
    "an escaped placeholder": Slip(APPEAL, "Ada", "{\\{ cas }}", 7, "unknown placeholder"),
    "no words": Slip(CARD, "{{ words }}", "Hello", 4, "{{ words }} is missing"),
    "words twice": Slip(CARD, "Yours,", "{{ words }}", 8, "a second time"),
    "words among others": Slip(CARD, "{{ words }}", "I say {{ words }}", 6, "of its own"),
    "words in a list": Slip(CARD, "{{ words }}", "- {{ words }}", 6, "of its own"),
    "no salutation": Slip(CARD, "{{ salutation }},", "Dear Ada,", 4, "hold {{ salutation }}"),
    "a late salutation": Slip(CARD, "{{ sal", "Hello!\n\n{{ sal", 4, "hold {{ salutation }}"),
    "HTML in a line": Slip(APPEAL, "was", "<b>was</b>", 8, "HTML may not"),
    "a block of HTML": Slip(APPEAL, "Yours", "<p>Yours</p>", 15, "HTML may not"),
    "a link": Slip(APPEAL, "was", "[was](https://a.example)", 8, "a link may not"),
    "an autolink": Slip(APPEAL, "was", "<https://a.example>", 8, "a link may not"),
    "an image": Slip(APPEAL, "was", "![was](https://a.example)", 8, "an image may not"),
    "a heading": Slip(APPEAL, "Ada wrote", "# Ada wrote", 7, "a heading may not"),
    "a quotation": Slip(APPEAL, "- Free", "> Free", 12, "a quotation block may not"),
    "code": Slip(APPEAL, "was", "`was`", 8, "code may not"),
    "a list in a list": Slip(APPEAL, "- Hear", "  - Hear", 13, "a list inside a list"),
    "a long item": Slip(APPEAL, "- Hear", "\n  Hear", 14, "a second paragraph"),
    "a control character": Slip(APPEAL, "was", "w\x07as", 8, "U+0007 is a control character"),
    "a bidi override": Slip(CASE, "Held", "\u202eHeld", 3, "U+202E is an invisible"),
    "an escaped bidi override": Slip(CASE, "Held", "\\u202eHeld", 3, "U+202E is an invisible"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_is_found_at_its_line(slip: Slip, tmp_path: Path) -> None:
    assert slip.old in SMALL[slip.file]
    folder = a_pack(tmp_path, {slip.file: SMALL[slip.file].replace(slip.old, slip.new, 1)})

    faults = faults_of(folder)

    where = slip.elsewhere or slip.file
    assert [(where, slip.line)] == [(f, n) for f, n, says in faults if slip.says in says], faults


@pytest.mark.parametrize(
    ("changes", "file", "line", "says"),
    [
        ({"cases/ada/notes.txt": "x"}, "cases/ada/notes.txt", 1, "a stray file"),
        ({"cases/ada/letter.en.md": "x"}, "cases/ada/letter.en.md", 1, "a stray file"),
        ({"recipients/Office 2.toml": ""}, "recipients/Office 2.toml", 1, "a stray file"),
        ({CARD: None}, CASE, 12, "there is no solidarity.en.md"),
        ({CARD: b"---\nsubject: \xff\n"}, CARD, 2, "not UTF-8"),
        ({CASE: b"name = 'Ada'\n# \xe9\n"}, CASE, 2, "not UTF-8"),
        ({"recipients/eve.toml": SMALL[ADA]}, "recipients/eve.toml", 1, "no case names"),
        ({PACK: None}, PACK, 1, "is missing"),
        ({CASE: None}, CASE, 1, "is missing"),
        ({CASE: None, APPEAL: None, CARD: None}, PACK, 1, "the pack has no case"),
        ({"cases/ada/appeal.xx.md": SMALL[APPEAL]}, "cases/ada/appeal.xx.md", 1, "'xx'"),
        ({CASE: SMALL[CASE].replace(', "solidarity"]', "]")}, CARD, 1, "does not allow"),
    ],
)
def test_a_fault_between_files_is_found(
    changes: Mapping[str, str | bytes | None], file: str, line: int, says: str, tmp_path: Path
) -> None:
    folder = a_pack(tmp_path, changes)

    faults = faults_of(folder)

    assert (file, line) in [(f, n) for f, n, message in faults if says in message], faults


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"BY"\nlanguages', '"PL"\nlanguages', "another `country`"),
        ("Europe/Minsk", "Europe/Riga", "another `time_zone`"),
        (BOX_END, f"{BOX_END}[pace]\nper_hour = 31\n", "another `pace`"),
        (BOX_END, f"{BOX_END}[pace]\ndigest_hour = 9\n", "another `pace`"),
        ("office@small", "Office@Small", None),  # the same in all
    ],
)
def test_offices_that_share_a_mailbox_keep_one_pace(
    old: str, new: str, says: str | None, tmp_path: Path
) -> None:
    other = "recipients/other.toml"
    case = SMALL[CASE].replace('["office"]', '["office", "other"]')
    folder = a_pack(tmp_path, {other: SMALL[OFFICE].replace(old, new, 1), CASE: case})

    if says is None:
        read_pack(folder)
        return
    [(file, line, message)] = faults_of(folder)
    assert (file, line) == (other, 27)
    assert message.startswith(f"{OFFICE} names the same mailbox")
    assert says in message


def test_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = a_pack(tmp_path)
    (folder / "cases/ada/appeal.ru.md").symlink_to(tmp_path / "elsewhere")

    assert faults_of(folder) == [("cases/ada/appeal.ru.md", 1, "a link: put the file itself here")]
