"""The form of an optimization's settings, with the ranges of the API."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
)

from levered_site.admin.edit_forms import AdminEditForm
from levered_site.admin.pages import validate_serializer
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH, MAX_HOLDOUT_PERCENTAGE
from optimizations.admin import setting_texts
from optimizations.serializers.optimization_requests import OptimizationChangeSerializer


def validate_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return form values as the validated body of a PATCH.

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
    """A list of texts, one per line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines, and text that was typed unchanged."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the lines as a list, without empty ones; a list unchanged."""
        if isinstance(value, list):  # the stored one of an untouched field
            return value
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the lists, not the texts."""
        return bool((initial or []) != self.to_python(data))

    def run_validators(self, value: Any) -> None:
        """Raise if a line is too long."""
        if any(len(line) > MAX_ANONYMOUS_ID_LENGTH for line in value):
            raise ValidationError(
                f"A line may have at most {MAX_ANONYMOUS_ID_LENGTH} characters."
            )


class OptimizationForm(AdminEditForm):
    """The settings that staff may change, in their ranges; saving checks all rules."""

    holdout_percentage = forms.FloatField(
        min_value=0,
        max_value=MAX_HOLDOUT_PERCENTAGE,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    exploration_share = forms.FloatField(
        min_value=0, max_value=0.2, widget=UnfoldAdminDecimalFieldWidget
    )
    retrain_every_minutes = forms.IntegerField(
        min_value=5, max_value=10_080, widget=UnfoldAdminIntegerFieldWidget
    )
    expected_users = forms.IntegerField(
        min_value=1,
        max_value=10**12,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    excluded_combinations = forms.JSONField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    allowed_origins = LinesField(required=False)
    excluded_users = LinesField(required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        shown = None if self.is_new else self.instance
        for name, text in setting_texts.describe_settings(shown, self.fields).items():
            self.fields[name].help_text = text

    def clean_excluded_combinations(self) -> list[dict[str, Any]]:
        """Return the list of objects, empty for an empty field; raise otherwise."""
        value = self.cleaned_data["excluded_combinations"] or []
        if isinstance(value, list) and all(
            isinstance(levels, dict) for levels in value
        ):
            return value
        raise ValidationError("The value must be a list of objects.")
