"""JSON is written also where Postgres returned a large float as an integer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest

from levered_site import json_text
from levered_site.api import responses

WIDE = 73 * 10**18
SOME_ID = UUID(int=1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A payload, as answers hold them."""

    mean: Any
    lo: Any


@pytest.mark.parametrize("number", [WIDE, -WIDE, 10**300, 2**64, -(2**63) - 1])
def test_an_integer_beyond_64_bits_is_written_as_the_float_it_was(number: int) -> None:
    document = {"rows": [(number, 1)], "estimate": Estimate(1, {"lo": [number]})}

    written = orjson.loads(responses.to_json(document))

    assert written == {
        "rows": [[float(number), 1]],
        "estimate": {"mean": 1, "lo": {"lo": [float(number)]}},
    }
    assert isinstance(written["rows"][0][0], float)


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0, True])
def test_other_integers_stay_exact_beside_it(number: int) -> None:
    text = json_text.dump_json([number, WIDE])

    assert text == b"[" + orjson.dumps(number) + b",7.3e+19]"


def test_the_default_is_asked_for_what_json_has_not() -> None:
    assert json_text.dump_json([SOME_ID, {1, 2}], str) == orjson.dumps(
        [str(SOME_ID), "{1, 2}"]
    )


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        json_text.dump_json({"a": {1}})
    with pytest.raises(TypeError):
        responses.to_json({"a": object()})
