"""The JSON of a serve response, from parts that are prepared once per snapshot.

`build_body` returns what `ServeResponse.as_json` and `meta` become in Django's view.
"""

from dataclasses import dataclass, field

from levered_site.api import responses
from optimizations.factors import Context
from optimizations.serving import decision
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.service import ServeRequest
from optimizations.serving.snapshot import Snapshot, VariantCard

# Contexts that are remembered, per snapshot and of all: some 500 bytes each.
MAX_CONTEXTS = 2_000
MAX_ALL_CONTEXTS = 40_000


@dataclass(slots=True)
class ContextBudget:
    """How many contexts may still be remembered."""

    left: int = MAX_ALL_CONTEXTS


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSnapshot:
    """A snapshot with the parts of its responses, as bytes."""

    snapshot: Snapshot
    start: bytes
    cards: tuple[bytes, ...]
    end: bytes
    context_names: tuple[str, ...]
    serves_everybody: bool
    budget: ContextBudget
    _contexts: dict[tuple[str | None, ...], Context] = field(default_factory=dict)

    def check_allowed(self, request: ServeRequest) -> None:
        """Raise as decision.check_serve_allowed does."""
        if not self.serves_everybody or request.key_organization_id is not None:
            decision.check_serve_allowed(
                self.snapshot, request.origin, request.key_organization_id
            )

    def resolve_context(self, request: ServeRequest) -> Context:
        """Return the context of a request, as decision.resolve_context does.

        Contexts of texts are remembered. Other values are not: as keys of a dictionary
        `True`, `1` and `1.0` are the same.
        """
        values = tuple(map(request.context.get, self.context_names))
        try:
            context = self._contexts.get(values)
        except TypeError:  # a list or an object is no key
            context = None
        if context is None:
            context = decision.resolve_context(self.snapshot, request.context)
            self._remember_context(values, context)
        return context

    def _remember_context(
        self, values: tuple[str | None, ...], context: Context
    ) -> None:
        is_text = all(value is None or type(value) is str for value in values)
        if is_text and len(self._contexts) < MAX_CONTEXTS and self.budget.left > 0:
            self.budget.left -= 1
            self._contexts[values] = context

    def forget_contexts(self) -> None:
        """Give the budget back what was remembered."""
        self.budget.left += len(self._contexts)
        self._contexts.clear()

    def build_body(
        self,
        anonymous_id: str,
        decided: AssignedVariant,
        request_id: str,
        *,
        tells_history: bool,
    ) -> bytes:
        """Return the body of the response."""
        history = b""
        if tells_history:
            history = b',"sticky":%s,"timestamp":%s' % (
                b"true" if decided.sticky else b"false",
                responses.to_json(decided.decided_at),
            )
        return (
            b'%s%s%s,"in_holdout":%s,"policy_version":%d,"propensity":%s%s,'
            b'"meta":{"request_id":"%s"%s'
        ) % (
            self.start,
            responses.to_json(anonymous_id),
            self.cards[decided.variant_number - 1],
            b"true" if decided.in_holdout else b"false",
            decided.policy_version,
            responses.to_json(decided.propensity),
            history,
            request_id.encode(),
            self.end,
        )


def prepare_snapshot(snapshot: Snapshot, budget: ContextBudget) -> PreparedSnapshot:
    """Prepare the parts of a snapshot's responses; `budget` is that of its contexts."""
    organization = responses.to_json(snapshot.organization_id)
    return PreparedSnapshot(
        snapshot,
        start=b'{"optimization_id":"%s","anonymous_id":'
        % snapshot.optimization_id.encode(),
        cards=tuple(map(_build_card_part, snapshot.cards)),
        end=b',"organization_id":%s}}' % organization,
        context_names=tuple(factor.name for factor in snapshot.contexts),
        serves_everybody=decision.serves_everybody(snapshot),
        budget=budget,
    )


def _build_card_part(card: VariantCard) -> bytes:
    fields = {
        "variant": card.levels,
        "variant_number": card.number,
        "variant_key": card.key,
    }
    return b"," + responses.to_json(fields)[1:-1]
