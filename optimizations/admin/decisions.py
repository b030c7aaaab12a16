"""Admin pages of decisions, with the assignment of each decision's user."""

import json
import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.partitioned import AgeFilter, PartitionedTableAdmin
from levered_site.errors import NotFoundError
from levered_site.level_texts import name_levels
from levered_site.organizations.admin import OrganizationAdminMixin, get_staff_roles
from levered_site.organizations.models import Organization
from optimizations import factors
from optimizations.admin.context_levels import keep_context
from optimizations.factors import ContextFactor
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import explanation

MAX_DIGITS = 9  # of a number in an address
MAX_FACTORS = 20


class ArmFilter(admin.SimpleListFilter):
    """Filter decisions by arm."""

    title = "arm"
    parameter_name = "arm"

    @override
    def lookups(self, request: Any, model_admin: Any) -> Any:
        return (("optimized", "Optimized"), ("holdout", "Holdout"))

    @override
    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"optimized", "holdout"}:
            return queryset
        return queryset.filter(in_holdout=self.value() == "holdout")


class AddressFilter(admin.SimpleListFilter):
    """A filter that links set: it offers nothing but what it is set to."""

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        value = request.GET.get(str(self.parameter_name))
        return ((value, value),) if value else ()


class VariantFilter(AddressFilter):
    """Keep the receipts of one variant, by its number."""

    title = "variant"
    parameter_name = "variant"

    @override
    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        number = read_number(self.value() or "")
        if number is None:
            return queryset.none()
        return queryset.filter(variant_number=number)


class ContextFilter(AddressFilter):
    """Keep the receipts of a context, a JSON object with the levels of some factors.

    The levels `other` and `missing` need the optimization's id in the search: what they
    hold depends on the levels that it has.
    """

    title = "context"
    parameter_name = "context"

    @override
    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        levels = read_levels(self.value() or "")
        if levels is None:
            return queryset.none()
        return keep_context(queryset, levels, _find_contexts(request))


def _find_contexts(request: HttpRequest) -> tuple[ContextFactor, ...]:
    """Return the context factors of the optimization that is searched for, if any."""
    first_word = request.GET.get("q", "").strip().partition(" ")[0]
    try:
        pk = uuid.UUID(first_word)
    except ValueError:
        return ()
    rows = Optimization.objects.filter(pk=pk).select_related("model")
    own = get_staff_roles(request).restrict_rows(rows, "organization_id").first()
    if own is None:
        return ()
    return factors.parse_context_factors(own.model.training_data_config)


def read_number(text: str) -> int | None:
    """Return a number of an address, None for what is none."""
    is_number = text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS
    return int(text) if is_number else None


def read_levels(text: str) -> dict[str, str] | None:
    """Return the levels of a context in an address, None for what nobody can read."""
    try:
        levels = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(levels, dict) or len(levels) > MAX_FACTORS:
        return None
    is_readable = all(
        isinstance(level, str) and "\0" not in name + level
        for name, level in levels.items()
    )
    return levels if is_readable else None


@admin.register(Decision)
class DecisionAdmin(PartitionedTableAdmin, OrganizationAdminMixin):
    """Receipts of first serves and re-draws. A user's newest one is the assignment."""

    time_field = "decided_at"
    list_display = (
        "time_link",
        "anonymous_id",
        "variant_text",
        "arm",
        "policy_version",
        "propensity_text",
        "optimization",
    )
    list_filter = (AgeFilter, ArmFilter, VariantFilter, ContextFilter)
    fields = (
        ("decided_at", "anonymous_id"),
        ("optimization", "organization"),
        "variant_text",
        ("variant_number", "arm"),
        ("policy_version", "propensity_text"),
        "context_table",
        "assignment",
        "probabilities",
    )

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Decision]:
        """Find the visitor's optimizations by assignments, whose key is both ids."""
        roles = get_staff_roles(request)
        own = roles.restrict_rows(Optimization.objects.all(), self.organization_path)
        own_ids = list(own.values_list("pk", flat=True))
        assignments = Assignment.objects.filter(
            optimization_id__in=own_ids, anonymous_id=anonymous_id
        )
        ids = list(assignments.values_list("optimization_id", flat=True))
        return queryset.filter(optimization_id__in=ids, anonymous_id=anonymous_id)

    @declare_column("Variant")
    def variant_text(self, decision: Decision) -> str:
        """The variant, by its levels."""
        return _name_variant(decision.variant)

    @declare_column("Arm")
    def arm(self, decision: Decision) -> SafeString:
        """The arm; holdout users get the baseline."""
        if decision.in_holdout:
            return html.render_pill("holdout", "warning")
        return html.render_pill("optimized", "primary")

    @declare_column("Propensity")
    def propensity_text(self, decision: Decision) -> str:
        """The probability of this variant for this user at that moment."""
        return f"{decision.propensity:.4f}"

    @declare_column("Optimization")
    def optimization(self, decision: Decision) -> SafeString:
        """The optimization, linked."""
        return html.render_row_link(
            Optimization, decision.optimization_id, str(decision.optimization_id)[:8]
        )

    @declare_column("Organization")
    def organization(self, decision: Decision) -> SafeString:
        """The organization, linked."""
        return html.render_row_link(
            Organization, decision.organization_id, decision.organization_id
        )

    @declare_column("Context")
    def context_table(self, decision: Decision) -> SafeString | str:
        """The values of the configured context factors in the request."""
        context = json.loads(decision.context or "{}")
        if not context:
            return html.NO_VALUE
        return html.render_table(("factor", "value"), context.items())

    @declare_column("Probabilities at that moment")
    def probabilities(self, decision: Decision) -> SafeString | str:
        """The row of the policy that this decision was drawn from."""
        optimization = Optimization.objects.filter(pk=decision.optimization_id).first()
        if optimization is None:
            return "The optimization was deleted."
        try:
            receipts = explanation.explain_assignment(
                optimization, decision.anonymous_id
            ).receipts
        except NotFoundError as error:
            return error.message
        return html.render_table(
            ("", "variant", "probability"),
            (
                (
                    variant.number,
                    _name_variant(variant.variant_key),
                    html.render_share_bar(variant.probability),
                )
                for receipt in receipts
                if receipt.timestamp == decision.decided_at
                for variant in receipt.probabilities
            ),
        )

    @declare_column("Assignment")
    def assignment(self, decision: Decision) -> str:
        """The variant that this user gets now."""
        assignment = Assignment.objects.filter(
            optimization_id=decision.optimization_id,
            anonymous_id=decision.anonymous_id,
        ).first()
        if assignment is None:
            return "None: the data of this user were erased."
        if assignment.variant_number == decision.variant_number:
            return "The user gets the variant of this decision."
        return (
            f"Drawn again on {assignment.decided_at:%Y-%m-%d %H:%M:%S}: "
            f"the user gets variant {assignment.variant_number} now."
        )


def _name_variant(key: str) -> str:
    """Return a variant's levels as people speak of them."""
    return name_levels(json.loads(key))
