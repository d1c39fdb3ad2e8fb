import pytest

from services.intake.identity import canonical_email, handle, same_thing
from shared.clock import new_id

KEY = b"i" * 32


@pytest.mark.parametrize(
    "spelling", ["Ana@Tools.Example", "ana+letters@tools.example", "ANA+x+y@tools.example"]
)
def test_spellings_of_one_mailbox_are_the_same_person(spelling: str) -> None:
    assert canonical_email(spelling) == "ana@tools.example"


def test_dots_mean_nothing_where_the_provider_says_so() -> None:
    assert canonical_email("a.n.a@googlemail.com") == canonical_email("ana@gmail.com")
    assert canonical_email("a.n.a@tools.example") != canonical_email("ana@tools.example")


def test_a_label_alone_is_a_name() -> None:
    assert canonical_email("+ana@tools.example") == "+ana@tools.example"


def test_two_clients_have_two_handles_on_one_person() -> None:
    mine, yours = new_id(), new_id()
    person = b"p" * 32

    assert handle(KEY, mine, person) == handle(KEY, mine, person)
    assert handle(KEY, mine, person) != handle(KEY, yours, person)
    assert len(handle(KEY, mine, person)) == 26


def test_parts_cannot_run_into_one_another() -> None:
    assert same_thing(KEY, "ab", "c") != same_thing(KEY, "a", "bc")
