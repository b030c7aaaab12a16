"""What is shown of a decided variant and a fallback: the same cases in every client."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.chaos_proxy import Fault

CASES = json.loads(Path(__file__).with_suffix(".json").read_text())
IDS = [case["name"] for case in CASES]


@dataclass(frozen=True, slots=True)
class Answered:
    """One decision of an answer: a variant, or the code of an error."""

    optimization_id: str
    variant: dict[str, Any] | None = None
    code: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the service writes it."""
        said: dict[str, Any] = {"variant": self.variant, "variant_number": 1}
        if self.variant is None:
            said = {"error": {"code": self.code, "message": "Try again."}}
        return {"optimization_id": self.optimization_id, **said}


def answer_one(variant: dict[str, Any]) -> Fault:
    """Return the answer of serve."""
    body = json.dumps(Answered("any", variant).as_json())
    return Fault(200, body.encode(), (("Content-Type", "application/json"),))


def answer_many(*decisions: Answered) -> Fault:
    """Return the answer of best-variants."""
    body = json.dumps({"decisions": [each.as_json() for each in decisions]})
    return Fault(200, body.encode(), (("Content-Type", "application/json"),))
