"""Large numbers are written out, small ones keep their digits."""

import pytest

from levered_site.admin import html
from levered_site.number_texts import format_significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21547.3, "21,550"),
        (1234.56, "1,235"),
        (9999.96, "10,000"),
        (-2.5e7, "-25,000,000"),
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
    assert format_significant(-0.5, sign="+") == "-0.5"


def test_the_admin_writes_large_numbers_out() -> None:
    assert html.format_number(21547.3) == "21,550"
    assert html.format_number(21547.3, 3) == "21,500"
