"""Staff pages of what serving wrote: decisions, and the locks seen through them."""

import json
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
from levered_site.organizations.models import Organization
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import explanation


class ArmFilter(admin.SimpleListFilter):
    """Decisions by arm."""

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


@admin.register(Decision)
class DecisionAdmin(PartitionedTableAdmin):
    """Receipts of first serves and re-draws; a lock is what a user's last one says."""

    moment = "decided_at"
    list_display = (
        "when",
        "anonymous_id",
        "variant_text",
        "arm",
        "policy_version",
        "chance",
        "optimization",
    )
    list_filter = (AgeFilter, ArmFilter)
    fields = (
        ("decided_at", "anonymous_id"),
        ("optimization", "organization"),
        "variant_text",
        ("variant_number", "arm"),
        ("policy_version", "chance"),
        "context_table",
        "lock",
        "why",
    )

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Decision]:
        """Through the locks: those are keyed by optimization and visitor."""
        everything = list(Optimization.objects.values_list("pk", flat=True))
        locked = Assignment.objects.filter(
            optimization_id__in=everything, anonymous_id=anonymous_id
        )
        ids = list(locked.values_list("optimization_id", flat=True))
        return queryset.filter(optimization_id__in=ids, anonymous_id=anonymous_id)

    @declare_column("Variant")
    def variant_text(self, decision: Decision) -> SafeString:
        """The variant's key."""
        return html.render_code(decision.variant)

    @declare_column("Arm")
    def arm(self, decision: Decision) -> SafeString:
        """Holdout users get the baseline."""
        if decision.in_holdout:
            return html.render_pill("holdout", "warning")
        return html.render_pill("optimized", "primary")

    @declare_column("Propensity")
    def chance(self, decision: Decision) -> str:
        """How probable this variant was for this user at that moment."""
        return f"{decision.propensity:.4f}"

    @declare_column("Optimization")
    def optimization(self, decision: Decision) -> SafeString:
        """The way to the optimization."""
        return html.render_row_link(
            Optimization, decision.optimization_id, str(decision.optimization_id)[:8]
        )

    @declare_column("Organization")
    def organization(self, decision: Decision) -> SafeString:
        """The way to the organization."""
        return html.render_row_link(
            Organization, decision.organization_id, decision.organization_id
        )

    @declare_column("Context")
    def context_table(self, decision: Decision) -> SafeString | str:
        """The configured factors as they were sent."""
        context = json.loads(decision.context or "{}")
        if not context:
            return html.NO_VALUE
        return html.render_table(("factor", "value"), context.items())

    @declare_column("Why: the probabilities at that moment")
    def why(self, decision: Decision) -> SafeString | str:
        """The row of the policy that was drawn from."""
        found = Optimization.objects.filter(pk=decision.optimization_id).first()
        if found is None:
            return "The optimization is gone."
        try:
            receipts = explanation.explain_assignment(
                found, decision.anonymous_id
            ).receipts
        except NotFoundError as error:
            return error.message
        mine = (one for one in receipts if one["timestamp"] == decision.decided_at)
        return html.render_table(
            ("", "variant", "probability"),
            (
                (
                    p["number"],
                    html.render_code(p["variant_key"]),
                    html.render_share_bar(p["probability"]),
                )
                for receipt in mine
                for p in receipt["probabilities"]
            ),
        )

    @declare_column("Lock")
    def lock(self, decision: Decision) -> str:
        """What this user gets now."""
        found = Assignment.objects.filter(
            optimization_id=decision.optimization_id,
            anonymous_id=decision.anonymous_id,
        ).first()
        if found is None:
            return "None: the person was erased."
        if found.variant_number == decision.variant_number:
            return "This decision holds."
        return (
            f"Drawn anew on {found.decided_at:%Y-%m-%d %H:%M:%S}: "
            f"variant {found.variant_number} now."
        )
