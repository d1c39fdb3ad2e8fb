"""Builders of letters for the tests: Article 1 of the Universal Declaration in each script."""

from dataclasses import dataclass
from typing import Any

from services.dispatch.rendering.compose import Block, Bullets, Composition, Paragraph, Span
from services.dispatch.rendering.letter import LetterRequest

PHONE = "+44 20 7946 0000"


@dataclass(frozen=True, slots=True)
class Sample:
    """Words of one language, enough for a letter."""

    subject: str
    greeting: str
    first: str
    second: str
    closing: str
    place_date: str


SAMPLES = {
    "en": Sample(
        "On dignity and rights",
        "Your Excellency,",
        "All human beings are born free and equal in dignity and rights.",
        "They are endowed with reason and conscience and should act towards one another in a "
        "spirit of “brotherhood”.",
        "Yours sincerely,",
        "Dublin, 10 December 2021",
    ),
    "es": Sample(
        "Sobre la dignidad y los derechos",
        "Excelencia:",
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
        "Dotados como están de razón y conciencia, deben comportarse «fraternalmente» los unos con "
        "los otros: ¿por qué no mañana?",
        "Atentamente,",
        "Zaragoza, 10 de diciembre de 2021",
    ),
    "ru": Sample(
        "О достоинстве и правах",
        "Ваше Превосходительство!",
        "Все люди рождаются свободными и равными в своем достоинстве и правах.",
        "Они наделены разумом и совестью и должны поступать в отношении друг друга в духе "
        "«братства».",
        "С уважением,",
        "Берлин, 10 декабря 2021 г.",
    ),
    "uk": Sample(
        "Про гідність і права",
        "Ваша Високоповажносте!",
        "Всі люди народжуються вільними і рівними у своїй гідності та правах.",
        "Вони наділені розумом і совістю і повинні діяти у відношенні один до одного в дусі "
        "«братерства», об’єднані ґанком її дому.",
        "З повагою,",
        "Київ, 10 грудня 2021 року",
    ),
    "ar": Sample(
        "عن الكرامة والحقوق",
        "فخامة الرئيس،",
        "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
        "وقد وهبوا عقلًا وضميرًا وعليهم أن يعامل بعضهم بعضًا بروح «الإخاء» (Talap)، 2019-2021.",
        "وتفضلوا بقبول فائق الاحترام،",
        "تونس، 10 ديسمبر 2021",
    ),
    "th": Sample(
        "ว่าด้วยเกียรติศักดิ์และสิทธิ",
        "เรียน ท่านประธานาธิบดี",
        "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
        "ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่ง “ภราดรภาพ”",
        "ขอแสดงความนับถือ",
        "กรุงเทพฯ 10 ธันวาคม 2564",
    ),
    "zh": Sample(
        "论尊严和权利",
        "尊敬的总统阁下\uff1a",
        "人人生而自由\uff0c在尊严和权利上一律平等。",
        "他们赋有理性和良心\uff0c并应以“兄弟关系”的精神相对待\uff08Talap\uff09。",
        "此致敬礼\uff01",
        "2021年12月10日",
    ),
    "el": Sample(
        "Για την αξιοπρέπεια και τα δικαιώματα",
        "Εξοχότατε,",
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
        "Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους "
        "με πνεύμα «αδελφοσύνης».",
        "Με εκτίμηση,",
        "Αθήνα, 10 Δεκεμβρίου 2021",
    ),
    "he": Sample(
        "על כבוד האדם וזכויותיו",
        "כבוד הנשיא,",
        "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
        "כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של ״אחווה״ (Talap), "
        "2019-2021.",
        "בכבוד רב,",
        "חיפה, 10 בדצמבר 2021",
    ),
    "hi": Sample(
        "गरिमा और अधिकारों के विषय में",
        "माननीय राष्ट्रपति महोदय,",
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
        "उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें “भाईचारे” के भाव से बर्ताव करना चाहिए।",
        "भवदीय,",
        "नई दिल्ली, 10 दिसंबर 2021",
    ),
    "am": Sample(
        "ስለ ክብርና መብት",
        "ክቡር ፕሬዚዳንት፣",
        "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።",
        "የተፈጥሮ ማስተዋልና ሕሊና ስላለው አንዱ ሌላውን በ«ወንድማማችነት» መንፈስ መመልከት ይገባዋል።",
        "ከአክብሮት ጋር፣",
        "አዲስ አበባ፣ 10 ዲሴምበር 2021",
    ),
    "my": Sample(
        "ဂုဏ်သိက္ခာနှင့် အခွင့်အရေးများအကြောင်း",
        "လေးစားအပ်ပါသော သမ္မတကြီးခင်ဗျား၊",
        "လူတိုင်းသည် တူညီလွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့်လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့်လည်းကောင်း မွေးဖွားလာသူများ ဖြစ်သည်။",
        "ထိုသူတို့၌ ပိုင်းခြားဝေဖန်တတ်သော ဉာဏ်နှင့် ကျင့်ဝတ်သိတတ်သော စိတ်တို့ရှိကြ၍ ထိုသူတို့သည် အချင်းချင်း “မေတ္တာထား၍” ဆက်ဆံကျင့်သုံးသင့်၏။",
        "လေးစားစွာဖြင့်၊",
        "ရန်ကုန်၊ ၁၀ ဒီဇင်ဘာ ၂၀၂၁",
    ),
    "ja": Sample(
        "尊厳と権利について",
        "大統領閣下",
        "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。",
        "人間は、理性と良心とを授けられており、互いに「同胞」の精神をもって行動しなければならない"
        "\uff08Talap\uff09。",
        "敬具",
        "東京、2021年12月10日",
    ),
    "ko": Sample(
        "존엄과 권리에 관하여",
        "존경하는 대통령님께,",
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
        "인간은 천부적으로 이성과 양심을 부여받았으며 서로 “형제애”의 정신으로 행동하여야 한다"
        "(Talap).",
        "삼가 올립니다.",
        "서울, 2021년 12월 10일",
    ),
}

ADDRESS = (
    "Office of the President",
    "Presidential Palace",
    "Independence Avenue 6",
    "010000 Talapkent",
    "EXAMPLAND",
)


OF_REQUEST = {"address", "sender", "place_date", "layout", "matrix", "fold_marks"}


def a_paragraph(text: str) -> Paragraph:
    return Paragraph((Span(text),))


def blocks_in(language: str) -> tuple[Block, ...]:
    words = SAMPLES[language]
    return (
        a_paragraph(words.greeting),
        Paragraph((Span(words.first, bold=True), Span(f" {words.second} " * 3 + PHONE))),
        Bullets(((Span(words.first),), (Span(f"{words.second} {words.second}"),))),
        a_paragraph(words.closing),
    )


def a_composition(language: str = "en", **changes: Any) -> Composition:
    values: dict[str, Any] = {
        "subject": SAMPLES[language].subject,
        "language": language,
        "blocks": blocks_in(language),
        "signature": ("Charlotte O’Neill", "Екатерина Щербакова · 王小明 · ليلى منصور"),
        "reference": "TEST-0001",
    }
    return Composition(**(values | changes))


def a_letter(language: str = "en", **changes: Any) -> LetterRequest:
    """A letter of one page; the changes are the request's, or its composition's."""
    own = {name: changes.pop(name) for name in OF_REQUEST & changes.keys()}
    values: dict[str, Any] = {
        "composition": a_composition(language, **changes),
        "address": ADDRESS,
        "sender": "Writ, 12 Example Street, Dublin",
        "place_date": SAMPLES[language].place_date,
    }
    return LetterRequest(**(values | own))


def paragraphs(count: int, *, words: int = 60) -> tuple[Block, ...]:
    """A greeting, so many paragraphs of so many words, and a closing."""
    text = "The question was asked in public and the answer came at night. " * words
    part = " ".join(text.split()[:words])
    body = [a_paragraph(f"{number}. {part}") for number in range(count)]
    return (a_paragraph("Dear Minister,"), *body, a_paragraph("Yours sincerely,"))
