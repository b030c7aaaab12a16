"""No answer holds a number that JSON does not have."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from levered_site.api.renderers import refuse_non_finite

NOT_FINITE = (math.nan, math.inf, -math.inf)


@dataclass(frozen=True, slots=True)
class Rates:
    """A payload with a value that may hold others."""

    name: str
    rate: Any


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: value,
        lambda value: {"users": 1, "rate": value},
        lambda value: {"days": [{"users": 1}, {"users": 1, "rates": (0.5, value)}]},
        lambda value: Rates("a", value),
        lambda value: {"rows": [Rates("a", {"rate": {"lo": 0.5, "hi": value}})]},
    ],
)
def test_a_number_that_is_not_finite_is_refused_wherever_it_is(
    wrap: Any, value: float
) -> None:
    with pytest.raises(ValueError, match="must not contain"):
        refuse_non_finite(wrap(value))


def test_other_values_pass() -> None:
    refuse_non_finite({"rows": [Rates("a", (1.5, None, "nan"))], "none": {}, "n": 1})
