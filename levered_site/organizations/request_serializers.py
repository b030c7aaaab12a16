"""Serializers of the requests of /api-keys."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from levered_site.api import origins
from levered_site.api.fields import BoundedListField, StrictCharField, StrictFloatField
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations import scopes

SCOPE_CHOICES = ", ".join(scopes.ALL_SCOPES)
LONGEST_ORIGIN = 300
MOST_ORIGINS = MOST_REWARDS = 100
LARGEST_VALUE = 1e15  # as ingestion takes
LONGEST_OVERLAP_HOURS = 30 * 24


class RewardBoundsSerializer(StrictSerializer):
    """A reward that a publishable key may send, with the values it may have."""

    default_error_messages = {
        "invalid": 'must be an object such as {{"name": "signup", "min": 0, "max": 1}}'
    }

    name = StrictCharField(max_length=200)
    min = StrictFloatField(min_value=-LARGEST_VALUE, max_value=LARGEST_VALUE)
    max = StrictFloatField(min_value=-LARGEST_VALUE, max_value=LARGEST_VALUE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise ValidationError if a bound is absent or no value lies between them."""
        # Inside a PATCH, DRF takes absent fields of an item for unchanged ones.
        absent = [name for name in ("name", "min", "max") if name not in attrs]
        if absent:
            raise serializers.ValidationError(dict.fromkeys(absent, "is required"))
        if attrs["min"] > attrs["max"]:
            raise serializers.ValidationError({"max": "must be at least `min`"})
        return attrs


class ApiKeyBodySerializer(StrictSerializer):
    """What a key has that may change later."""

    # `Any`, because the base class has a `label` of its own, which DRF keeps apart.
    label: Any = StrictCharField(max_length=200)
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="In the future; null for never."
    )
    rewards = BoundedListField(
        child=RewardBoundsSerializer(),
        max_length=MOST_REWARDS,
        required=False,
        help_text="Of a publishable key: which rewards it may send. None: no rewards.",
    )
    origins = BoundedListField(
        child=StrictCharField(max_length=LONGEST_ORIGIN),
        max_length=MOST_ORIGINS,
        required=False,
        help_text="Of a publishable key: the pages that may use it. None: all.",
    )

    def validate_expires_at(self, moment: Any) -> Any:
        """Return the time. Raise ValidationError if it has passed."""
        if moment is not None and moment <= timezone.now():
            raise serializers.ValidationError("must be in the future")
        return moment

    def validate_rewards(self, rewards: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rewards. Raise ValidationError if a name comes twice."""
        names = [reward["name"] for reward in rewards]
        for name in names:
            if names.count(name) > 1:
                raise serializers.ValidationError(f"{name!r} is listed twice")
        return rewards

    def validate_origins(self, texts: list[str]) -> list[str]:
        """Return the origins as browsers send them. Raise ValidationError by index."""
        normalized: list[str] = []
        errors: Any = {}
        for index, text in enumerate(texts):
            try:
                normalized.append(origins.normalize_allowed_origin(text))
            except ValueError:
                errors[index] = [origins.VALID_ORIGIN_MESSAGE]
        if errors:
            raise serializers.ValidationError(errors)
        return normalized


class NewApiKeySerializer(ApiKeyBodySerializer):
    """The request body of a new key."""

    scopes = BoundedListField(
        child=serializers.ChoiceField(
            choices=scopes.ALL_SCOPES,
            error_messages={"invalid_choice": f"must be one of {SCOPE_CHOICES}"},
        ),
        max_length=len(scopes.ALL_SCOPES),
        required=False,
        help_text="What the key may do; `ingest` by default. `track` makes a publishable "
        "key and stands alone.",
    )

    def validate_scopes(self, names: list[str]) -> list[str]:
        """Return the scopes, each once. Raise ValidationError if they do not combine."""
        if not names:
            raise serializers.ValidationError(
                f"must name at least one of {SCOPE_CHOICES}"
            )
        if scopes.TRACK in names and set(names) != {scopes.TRACK}:
            raise serializers.ValidationError(
                "`track` cannot be combined with other scopes: its key is public"
            )
        return [name for name in scopes.ALL_SCOPES if name in names]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise ValidationError if a secret key is given a publishable key's fields."""
        if scopes.TRACK not in attrs.get("scopes", ()):
            fields = [name for name in ("rewards", "origins") if name in attrs]
            if fields:
                raise serializers.ValidationError(
                    dict.fromkeys(fields, scopes.ONLY_PUBLISHABLE)
                )
        return attrs


class RotateApiKeySerializer(StrictSerializer):
    """The request body of a rotation."""

    overlap_hours = StrictFloatField(
        default=24,
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        help_text="How long the secret before works still; 0 ends it at once.",
    )
