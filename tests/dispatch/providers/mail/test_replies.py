from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.providers.contract import LaneHeld, NotSent, Refused, Unclear
from services.dispatch.providers.mail.replies import Stage, meaning

STAGES = st.sampled_from(Stage)
TEXTS = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda c, s, d, more: f"{c}.{s}.{d} {more}".encode(),
        *(st.sampled_from([2, 4, 5]), st.integers(0, 9), st.integers(0, 40)),
        st.sampled_from(["", "ana@supporter.example", "Relay access denied", "rate limit"]),
    ),
)


@given(STAGES, st.integers(-1, 999), TEXTS)
def test_every_reply_has_one_meaning_and_quotes_nobody(
    stage: Stage, code: int, text: bytes
) -> None:
    fault = meaning(stage, code, text)

    assert isinstance(fault, NotSent | Refused | Unclear)
    assert fault.detail.startswith(f"the relay answered {code}")
    assert "@" not in fault.detail


@given(STAGES, st.integers(-1, 999), TEXTS)
def test_only_what_cannot_be_read_after_the_whole_email_is_unclear(
    stage: Stage, code: int, text: bytes
) -> None:
    fault = meaning(stage, code, text)

    assert isinstance(fault, Unclear) == (stage is Stage.END and not 400 <= code < 600)


@given(STAGES, st.integers(400, 499), TEXTS)
def test_what_is_said_to_be_temporary_is_never_refused(
    stage: Stage, code: int, text: bytes
) -> None:
    assert isinstance(meaning(stage, code, text), NotSent)


@given(st.sampled_from([Stage.GREETING, Stage.HELLO, Stage.AUTH]), st.integers(500, 599))
def test_before_the_email_is_spoken_of_it_is_never_refused(stage: Stage, code: int) -> None:
    fault = meaning(stage, code, b"no")

    assert isinstance(fault, LaneHeld) or code == 552


def test_the_enhanced_code_of_another_class_than_the_reply_counts_for_nothing() -> None:
    assert isinstance(meaning(Stage.RCPT, 550, b"4.2.2 odd"), Refused)
    assert isinstance(meaning(Stage.RCPT, 550, b"5.1.1.1 is no code"), Refused)
