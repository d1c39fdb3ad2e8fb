"""Invents supporters and what they do: for the demo, the load and the fault tests.

Nobody here exists.  The same seed invents the same people; every address is on a reserved domain.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.catalogue import Case, Catalogue, Channel, Kind, Template

# (country, given names, family names): common ones, put together by chance.
_PEOPLE = (
    ("GB", ("Alice", "Oliver", "Priya", "Tom"), ("Walker", "Hughes", "Patel", "Green")),
    ("DE", ("Jürgen", "Anja", "Lukas", "Käthe"), ("Müller", "Weiß", "Schröder", "Vogel")),
    ("FR", ("Zoé", "Étienne", "Camille", "Noël"), ("Lefèvre", "Moreau", "Garçon", "Petit")),
    ("ES", ("Lucía", "Iñaki", "María", "Ángel"), ("Muñoz", "García", "Peña", "Núñez")),
    ("PL", ("Łukasz", "Zofia", "Paweł", "Agnieszka"), ("Wójcik", "Dąbrowska", "Żak", "Nowak")),
    ("TR", ("Ayşe", "Çağlar", "İpek", "Mehmet"), ("Yıldız", "Şahin", "Öztürk", "Kaya")),
    ("UA", ("Оксана", "Тарас", "Леся", "Богдан"), ("Шевчук", "Коваль", "Бойко", "Мельник")),
    ("GR", ("Ελένη", "Γιώργος", "Σοφία", "Νίκος"), ("Παππάς", "Νικολάου", "Βλάχος", "Λάμπρου")),
    ("JP", ("花子", "翔太", "美咲", "健一"), ("佐藤", "鈴木", "高橋", "田中")),
    ("MA", ("سلمى", "يوسف", "ليلى", "عمر"), ("العلوي", "بناني", "الفاسي", "التازي")),
    ("TH", ("สมชาย", "มาลี", "อนงค์", "ปรีชา"), ("ใจดี", "แสงทอง", "ศรีสุข", "บุญมี")),
    ("BR", ("João", "Conceição", "Caio", "Inês"), ("Araújo", "Gonçalves", "Simões", "Dias")),
)

_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "I am a teacher, and I read about this case with my class. We keep asking about it.",
        "I write these lines at my kitchen table, far away, and I have not forgotten.",
        "My family and I follow what happens, and we hope to hear good news this winter.",
        "As a nurse I know what months of fear do to a person. Please act now.",
    ),
    "es": (
        "Soy maestra y leí sobre este caso con mi clase. Seguimos preguntando por él.",
        "Escribo estas líneas desde muy lejos, y no olvido.",
    ),
    "ru": (
        "Я пишу эти строки издалека и не забываю.",
        "Моя семья следит за этим делом и надеется.",
    ),
    "uk": (
        "Я пишу ці рядки здалеку і не забуваю.",
        "Моя родина стежить за цією справою і сподівається.",
    ),
    "ar": ("أكتب هذه السطور من بعيد ولم أنسَ.", "تتابع أسرتي هذه القضية وتأمل خيرًا."),
    "th": ("ฉันเขียนจดหมายนี้จากแดนไกล และไม่เคยลืม",),
    "zh": ("我在远方写下这几行字，我没有忘记。", "我和家人一直关注此案，盼望好消息。"),
    "fr": (
        "J'écris ces lignes de loin, et je n'oublie pas.",
        "Ma famille et moi suivons cette affaire et espérons de bonnes nouvelles.",
    ),
}


# How many of a hundred actions; solidarity where the case has somebody to receive it.
_LETTERS = 30
_SOLIDARITY = 20
_IN_ENGLISH = 60
_WITHOUT_WORDS = 35


def invent_actions(catalogue: Catalogue, *, seed: int) -> Iterator[dict[str, Any]]:
    """Bodies for POST /v1/actions, without end."""
    chance = random.Random(seed)  # noqa: S311  (a play, not a key)
    cases = [case for case in catalogue.cases.values() if not case.policy.stopped]
    templates = list(catalogue.templates.values())
    number = 0
    while True:
        number += 1
        template = _template(chance, chance.choice(cases), templates)
        letter = chance.randrange(100) < _LETTERS or not _takes_email(catalogue, template)
        yield _action(chance, template, f"{seed}-{number}", letter=letter)


def _template(chance: random.Random, case: Case, templates: Sequence[Template]) -> Template:
    solidarity = case.solidarity and chance.randrange(100) < _SOLIDARITY
    kind = Kind.SOLIDARITY if solidarity else Kind.APPEAL
    fitting = [one for one in templates if one.case == case.slug and one.kind == kind]
    english = [one for one in fitting if one.language == "en"]
    return chance.choice(english if chance.randrange(100) < _IN_ENGLISH else fitting)


def _takes_email(catalogue: Catalogue, template: Template) -> bool:
    case = catalogue.cases[template.case]
    slugs = case.authorities if template.kind == Kind.APPEAL else case.solidarity
    return all(catalogue.recipients[slug].mailboxes for slug in slugs)


def _action(
    chance: random.Random, template: Template, number: str, *, letter: bool
) -> dict[str, Any]:
    country, given, family = chance.choice(_PEOPLE)
    name = f"{chance.choice(given)} {chance.choice(family)}"
    words = _WORDS.get(template.language, _WORDS["en"])
    return {
        "case": template.case,
        "kind": template.kind.value,
        "channel": Channel.LETTER.value if letter else Channel.EMAIL.value,
        "language": template.language,
        "supporter": {"name": name, "email": f"s{number}@supporters.example", "country": country},
        "words": "" if chance.randrange(100) < _WITHOUT_WORDS else chance.choice(words),
        "consent": {
            "show_name": chance.randrange(100) < 90,
            "show_country": True,
            "replies": chance.randrange(100) < 15,
        },
        "source": "demo",
        "reference": f"demo-{number}",
    }
