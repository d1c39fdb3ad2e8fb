import pytest

from services.tracking.queries.sentences import money


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (104, "EUR", "1.04 EUR"),
        (104, "JPY", "104 JPY"),
        (1040, "KWD", "1.040 KWD"),
        (0, "CHF", "0.00 CHF"),
        (None, "EUR", "no price"),
        (104, None, "no price"),
    ],
)
def test_a_price_has_the_decimals_of_its_currency(
    minor: int | None, currency: str | None, said: str
) -> None:
    assert money(minor, currency) == said
