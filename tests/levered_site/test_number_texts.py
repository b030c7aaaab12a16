"""Large numbers are written out, small ones keep their digits."""

import pytest

from levered_site.admin import html
from levered_site.number_texts import format_percent, format_significant

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21547.3, "21,550"),
        (1234.56, "1,235"),
        (9999.96, "10,000"),
        (-2.5e7, f"{MINUS}25,000,000"),
        (0.012345, "0.01235"),
        (0.0, "0"),
    ],
)
def test_a_number_has_four_digits_and_no_large_exponent(
    value: float, text: str
) -> None:
    assert format_significant(value) == text


def test_a_difference_is_signed_also_above_zero() -> None:
    assert format_significant(21547.3, sign="+") == "+21,550"
    assert format_significant(-0.5, sign="+") == f"{MINUS}0.5"


def test_the_admin_writes_large_numbers_out() -> None:
    assert html.format_number(21547.3) == "21,550"
    assert html.format_number(21547.3, 3) == "21,500"


def test_a_negative_number_has_a_minus_and_keeps_the_hyphen_of_its_exponent() -> None:
    assert format_percent(-4.25, signed=True) == f"{MINUS}4.2\N{NO-BREAK SPACE}%"
    assert format_significant(-0.00001234) == f"{MINUS}1.234e-05"
    assert html.format_number(-12) == f"{MINUS}12"
