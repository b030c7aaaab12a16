"""A policy, prepared to decide by: the document of GET /optimizations/:id/policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from levered.errors import PolicyError, UnusableAnswerError
from levered.local import draw
from levered.local.draw import Row
from levered.local.levels import format_level

KNOWN_RULE = "rendezvous"


@dataclass(frozen=True, slots=True)
class Draw:
    """A user's variant by the policy."""

    number: int
    propensity: float
    in_holdout: bool


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """A context factor; `places` has the place of each level."""

    name: str
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `variants` and `enabled` are in the order of the variants' numbers."""

    optimization_id: str
    status: str
    version: int
    revision: int
    variants: tuple[Mapping[str, Any], ...]
    enabled: tuple[bool, ...]
    factors: tuple[ContextFactor, ...]
    probabilities: tuple[tuple[float, ...], ...]
    holdout_threshold: str
    holdout_number: int
    _rows: dict[int, Row] = field(default_factory=dict, repr=False)

    def draw(
        self, anonymous_id: str, context: Mapping[str, object], redraw: int = 0
    ) -> Draw:
        """Decide for a user.

        `redraw` says how often the user was drawn again, this time included. Raise
        TypeError for a context value that is a list or a mapping.
        """
        row = self._find_row(context)
        text = f"{self.optimization_id}:{anonymous_id}"
        if redraw:
            text = f"{text}:{redraw}"
        elif draw.compute_holdout_hash(text) < self.holdout_threshold:
            return Draw(self.holdout_number, 1.0, in_holdout=True)
        number, propensity = draw.draw(row, draw.compute_seed(text))
        return Draw(number, propensity, in_holdout=False)

    def select_context(self, context: Mapping[str, object]) -> dict[str, object]:
        """Return the values of the policy's factors; nothing else is sent."""
        found = ((factor.name, context.get(factor.name)) for factor in self.factors)
        return {name: value for name, value in found if value is not None}

    def _find_row(self, context: Mapping[str, object]) -> Row:
        """Rows are in row-major order: a factor has its levels, then other and missing."""
        index = 0
        for factor in self.factors:
            size = len(factor.places)
            text = format_level(context.get(factor.name))
            place = size + 1 if text is None else factor.places.get(text, size)
            index = index * (size + 2) + place
        row = self._rows.get(index)
        if row is None:
            row = self._rows[index] = draw.prepare_row(self.probabilities[index])
        return row


def parse_policy(document: Mapping[str, Any]) -> Policy:
    """Parse a policy.

    Raise PolicyError where it draws by a rule that is not known here, and
    UnusableAnswerError for something else than a policy.
    """
    try:
        rule = document["draw_rule"]
        if rule != KNOWN_RULE:
            raise PolicyError(f"the policy draws by an unknown rule: {rule}")
        return _build_policy(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnusableAnswerError("the answer is not a policy") from error


def _build_policy(document: Mapping[str, Any]) -> Policy:
    variants = document["variants"]
    return Policy(
        optimization_id=document["optimization_id"],
        status=document["status"],
        version=document["version"],
        revision=document["revision"],
        variants=tuple(each["variant"] for each in variants),
        enabled=tuple(each["enabled"] for each in variants),
        factors=tuple(
            ContextFactor(
                factor["name"],
                {level: place for place, level in enumerate(factor["levels"])},
            )
            for factor in document["context_factors"]
        ),
        probabilities=tuple(
            tuple(row["probabilities"]) for row in document["contexts"]
        ),
        holdout_threshold=document["holdout"]["threshold"],
        holdout_number=document["holdout"]["variant_number"],
    )
