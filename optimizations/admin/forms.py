"""The form of an optimization's settings: the contract's ranges, lists line by line."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
)

from levered_site.admin.pages import AdminEditForm, validate_serializer
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from optimizations.serializers.optimization_requests import OptimizationChangeSerializer


def validate_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put what was typed into the contract's words and hold it to the contract's shape.

    Raises InvalidParametersError naming the fields, as a PATCH would.
    """
    body: dict[str, Any] = {}
    for name, value in changes.items():
        if name in {"reward_metric", "assignment_source"}:
            body[f"{name}_id"] = None if value is None else str(value.pk)
        elif name == "guardrail_metrics":
            body["guardrail_metric_ids"] = [str(metric.pk) for metric in value]
        else:
            body[name] = value
    return validate_serializer(OptimizationChangeSerializer(data=body, partial=True))


class LinesField(forms.CharField):
    """A list of texts, one on a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines; what was typed, as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Read lines as a list, empty ones left out."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the lists, not the texts."""
        return bool((initial or []) != self.to_python(data))

    def run_validators(self, value: Any) -> None:
        """Limit what one line may hold."""
        if any(len(line) > MAX_ANONYMOUS_ID_LENGTH for line in value):
            raise ValidationError(
                f"At most {MAX_ANONYMOUS_ID_LENGTH} characters on a line."
            )


class OptimizationForm(AdminEditForm):
    """What may be set, within the contract's ranges; the deed decides the rest."""

    holdout_percentage = forms.FloatField(
        min_value=0,
        max_value=50,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="0 to 50; a change opens a regime.",
    )
    exploration_share = forms.FloatField(
        min_value=0,
        max_value=0.2,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="0 to 0.2, spread evenly over enabled variants.",
    )
    retrain_every_minutes = forms.IntegerField(
        min_value=5, max_value=10_080, widget=UnfoldAdminIntegerFieldWidget
    )
    expected_users = forms.IntegerField(
        min_value=1,
        max_value=10**12,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Tunes the anytime intervals.",
    )
    excluded_combinations = forms.JSONField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text='Partial combinations, as [{"headline": "Hello"}].',
    )
    allowed_origins = LinesField(
        required=False, help_text="One on a line; empty: any origin may be served."
    )
    excluded_users = LinesField(
        required=False,
        help_text="Ids that results leave out, one on a line; abc* leaves out all that begin with "
        "abc.",
    )

    def clean_excluded_combinations(self) -> list[dict[str, Any]]:
        """Take an empty field for an empty list, and refuse another shape."""
        value = self.cleaned_data["excluded_combinations"] or []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise ValidationError("Must be a list of objects.")
        return value
