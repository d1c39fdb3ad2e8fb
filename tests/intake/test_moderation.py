import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.moderation import rules as moderation
from services.intake.moderation.rules import SAYS, Reason, reasons
from services.intake.packs.read import read_pack
from shared.catalogue import Channel, Moderation, Template
from tests.intake.accepted import an_accepted
from tests.intake.builders import a_case, a_policy

ROOT = Path(__file__).parents[2]
PACK = ROOT / "packs/write-for-rights-2021"
TEMPLATES = [one for one in read_pack(PACK).entries if isinstance(one, Template)]
LISTS = tomllib.loads(Path(moderation.__file__).with_name("words.toml").read_text())

ORDINARY = [
    ("en", "They say that he was tortured, threatened and nearly killed. Try those who did it."),
    ("en", "I fear that they will kill you. You do not deserve to die in there, and you will not."),
    ("en", "He was beaten in 2019 and sentenced on 18.09.2020 to 5 years, and 1 000 000 rubles."),
    ("en", "Case no. 1356/2019 before the State Security Prosecution, and case 01103-2018-00081."),
    ("en", "Do not let her rot in prison. Shame on those who lie about her; she is no criminal."),
    ("en", "I hope that he is well.In my town we think of him.It is cold here.So is it with you."),
    (
        "en",
        "We lit 27 lights at 18:30 and sang to 22:15, on 10/12/2021 and 2021-12-11, in room 4/12.",
    ),
    ("en", "Amnesty counted 2 400 000 letters, and/or cards; e.g. mine of 9.5.2021, street 17-19."),
    ("en", "I will hang your picture on my wall and burn a candle. I would kill for your courage."),
    ("es", "¿Sabe usted que los van a matar? Le pido que actúe. ¡No tengo miedo ni vergüenza!"),
    ("fr", "Sans retard, je vous écris : on va la tuer si personne n'agit. Le 06/12/2021."),
    ("ru", "Его пытали и обещали убить. Гора, река и мороз. Прошу Вас помочь ему."),
    ("uk", "Її побили, йому погрожували вбивством. Прошу Вас: не дайте їм його вбити."),
    ("ar", "يقولون إنه عُذِّب وإنها ستموت في السجن إن لم تُعالج. أرجو من سيادتكم العمل على إنقاذها."),
    ("th", "เขาถูกทรมานอย่างโหดเหี้ยม และถูกขู่ว่าจะฆ่าแกนนำทุกคน ขอให้ท่านช่วยด้วย"),
    ("zh", "他们杀了你的兄弟，失去死者的家人都在哭泣。愿你平安，Bernardo Caal Xol 也平安。"),
]


def held(words: str | None, **changes: Any) -> list[Reason]:
    """By a case without any word that it forbids; `rules` changes that."""
    case = a_case(policy=a_policy(moderation=changes.pop("rules", Moderation())))
    return [*reasons(an_accepted(words=words, **changes), case)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_nothing_in_the_letters_of_ten_real_cases_is_held(template: Template) -> None:
    assert held(template.body, language=template.language) == []
    assert held(template.subject, language=template.language) == []


@pytest.mark.parametrize(("language", "words"), ORDINARY)
def test_a_letter_may_speak_of_torture_and_death_of_dates_and_of_files(
    language: str, words: str
) -> None:
    assert held(words, language=language) == []


@pytest.mark.parametrize(
    "words",
    [
        "Free him or I will kill you.",
        "we're GOING TO kill all of you",
        "I'll shoot you. ",
        "I w1ll k1ll y0u",
        "We know where your children live",
        "You piece of $h1t, F\u00dcCK you",
        "you mother\u00adfucker",
        "Te voy a matar, señor ministro.",
        "¡Hijo  de\nputa!",
        "Nous savons où vous habitez.",
        "Allez crever, bande d’enculés",
        "Я вас убью, если он умрёт.",
        "СДОХНИТЕ",
        "Ми знаємо, де ви живете",
        "Я тебе вб’ю",
        "سأقتلكم جميعًا",
        "يا ابن الكلــب",
        "ไอ้เหี้ย ไปตายซะ",
        "我要杀了你全家",
        "你们去死吧，王八蛋",
    ],
)
def test_a_threat_or_abuse_is_held_however_it_is_spelled(words: str) -> None:
    assert Reason.THREAT in held(words, rules=Moderation(other_script=False))


@pytest.mark.parametrize(
    "words",
    [
        "See https://tools.example/free",
        "See hxxps://tools[.]example",
        "Read www.tools.example",
        "Go to tools.com now",
        "Go to TOOLS.ORG!",
        "Go to bit.ly/3xYz and youtu.be/abc",
        "Go to tools dot com",
        "Go to tools (dot) example",
        "Go to tools.co.uk.",
        "Write to me at ana@tools.example",
        "Write to ana [at] tools.example",
        "пишите на пример.рф",
        "tools．com",
    ],
)
def test_a_link_is_held_also_one_in_disguise(words: str) -> None:
    assert Reason.LINK in held(words, rules=Moderation(other_script=False))


@pytest.mark.parametrize(
    "words",
    [
        "Call me: +44 20 7946 0958",
        "+41 (0)44 668 18 00",
        "0044 20 7946 0958",
        "020 7946 0958",
        "Mon numéro, le 06 12 34 56 78",
        "06.12.34.56.78",
        "(212) 555-0187",
        "WhatsApp 600123456",
        "8 (912) 345-67-89",
        "тел. 234-56-78",
        "我的手机 138 1234 5678",
        "هاتف ٠١٢٣٤٥٦٧٨٩",
    ],
)
def test_a_phone_number_is_held(words: str) -> None:
    assert Reason.PHONE_NUMBER in held(words, rules=Moderation(other_script=False))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Прошу Вас освободить его немедленно."),
        ("ru", "Please let him go home to his family."),
        ("zh", "Please let her go home to her family now, I beg you."),
        ("th", "ขอ please let her go home to her family"),
        ("ar", "Je pense à vous tous les jours."),
        ("pt-BR", "我在远方写下这几行字"),
        ("sr-Latn", "Молим вас да га пустите кући."),
    ],
)
def test_words_in_another_script_than_the_letters_are_held(language: str, words: str) -> None:
    assert held(words, language=language) == [Reason.OTHER_SCRIPT]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", "请释放 Bernardo Caal Xol 先生"),
        ("ru", "Свободу Mikita, Mikita и Mikita!"),
        ("en", "Слава!"),
        ("ja", "ベラルーシの友人へ。私たちは忘れません。"),
        ("ko", "우리는 당신을 잊지 않습니다. 힘내세요."),
        ("sr", "Molim vas da ga pustite kući."),
        ("tlh", "我在远方写下这几行字"),
        ("en", "🌈🌈🌈 ❤️ 2021 !!!"),
    ],
)
def test_names_and_languages_of_several_scripts_are_no_other_script(
    language: str, words: str
) -> None:
    assert held(words, language=language) == []


FORBIDS = Moderation(forbidden=("amnesty", "christ*", "write for rights", "教会", "✝"))


@pytest.mark.parametrize(
    "words",
    [
        "I write for AMNESTY.",
        "Àmnésty sent me",
        "As a christian I pray for you",
        "Write   for Rights is with you",
        "我们的教会为你祈祷",
        "God bless you ✝",
    ],
)
def test_a_word_that_the_case_forbids_is_held(words: str) -> None:
    assert Reason.FORBIDDEN_WORD in held(words, rules=FORBIDS)
    assert Reason.FORBIDDEN_WORD not in held(words)


def test_a_forbidden_word_within_another_is_not_meant() -> None:
    assert held("The amnestying of all, and the rights of those who write", rules=FORBIDS) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Visit tools.com", Reason.LINK),
        ("Call 020 7946 0958", Reason.PHONE_NUMBER),
        ("Fuck You", Reason.THREAT),
        ("Amnesty Group Bern", Reason.FORBIDDEN_WORD),
    ],
)
def test_a_name_is_read_as_well_as_the_words(name: str, reason: Reason) -> None:
    assert held(None, supporter_name=name, rules=FORBIDS) == [reason]


@pytest.mark.parametrize(
    "name",
    [
        "สมชาย ใจดี",
        "Kike Muñoz",
        "Dick van Dyke",
        "Ngô Phúc",
        "Chan Fuk",
        "Анна Шитова",
        "J. R. Cox",
    ],
)
def test_no_ordinary_name_is_held(name: str) -> None:
    assert held("I think of you.", supporter_name=name) == []


def test_several_reasons_are_told_each_once_and_in_one_order() -> None:
    words = "Fuck! Call 020 7946 0958 or 020 7946 0959, www.tools.example"

    assert held(words) == [Reason.THREAT, Reason.LINK, Reason.PHONE_NUMBER]


def test_a_policy_switches_off_what_it_does_not_mind_but_never_threats() -> None:
    words = (
        "Fuck! Call 020 7946 0958, www.tools.example, Прошу Вас освободить его немедленно, друзья"
    )
    lenient = Moderation(links=False, phone_numbers=False, other_script=False)

    assert held(words, rules=lenient) == [Reason.THREAT]


@pytest.mark.parametrize("channel", [Channel.OWN_POST, Channel.PUBLIC])
def test_what_writ_does_not_carry_is_not_read(channel: Channel) -> None:
    assert held("Fuck you, www.tools.example", channel=channel) == []


def test_every_reason_has_a_sentence() -> None:
    assert set(SAYS) == set(Reason)
    assert all(says.endswith(".") for says in SAYS.values())


def test_every_language_of_the_list_has_threats_and_abuse() -> None:
    assert set(LISTS) == {"en", "es", "fr", "ru", "uk", "ar", "th", "zh"}
    assert all(words["threats"] and words["abuse"] for words in LISTS.values())


@given(st.text(max_size=600), st.text(max_size=60), st.sampled_from(["en", "zh", "xx", "sr-Cyrl"]))
def test_whatever_is_typed_gets_an_answer(words: str, name: str, language: str) -> None:
    found = held(words, supporter_name=name, language=language, rules=FORBIDS)

    assert found == sorted(set(found), key=list(Reason).index)


@given(
    st.sampled_from(["I will kill you", "вб'ю тебе", "سأقتلك", "hijo de puta", "去死吧"]), st.data()
)
def test_case_spaces_and_accents_hide_nothing(threat: str, data: st.DataObject) -> None:
    def dressed(letter: str) -> str:
        if letter == " ":
            return data.draw(st.sampled_from([" ", "  ", "\n", ", ", " - "]))
        return data.draw(
            st.sampled_from([letter, letter.upper(), letter + "\u0301", "\u200b" + letter])
        )

    assert Reason.THREAT in held(
        "".join(map(dressed, threat)), rules=Moderation(other_script=False)
    )
