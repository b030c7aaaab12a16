"""Serializers of /me and /api-keys."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api import origins
from levered_site.api.fields import StrictCharField, StrictFloatField
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations import scopes
from levered_site.organizations.models import ApiKey, Member, Organization

SCOPE_CHOICES = ", ".join(scopes.ALL_SCOPES)
LONGEST_ORIGIN = 300
MOST_ORIGINS = MOST_REWARDS = 100
LARGEST_VALUE = 1e15  # as ingestion takes
LONGEST_OVERLAP_HOURS = 30 * 24


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """The caller's organization."""

    class Meta:
        model = Organization
        fields = ("id", "name")


class RewardBoundsSerializer(StrictSerializer):
    """A reward that a publishable key may send, with the values it may have."""

    name = StrictCharField(max_length=200)
    min = StrictFloatField(min_value=-LARGEST_VALUE, max_value=LARGEST_VALUE)
    max = StrictFloatField(min_value=-LARGEST_VALUE, max_value=LARGEST_VALUE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise ValidationError if no value lies between the bounds."""
        if attrs["min"] > attrs["max"]:
            raise serializers.ValidationError({"max": "must be at least `min`"})
        return attrs


class NewApiKeySerializer(StrictSerializer):
    """The request body of a new key."""

    # `Any`, because the base class has a `label` of its own, which DRF keeps apart.
    label: Any = StrictCharField(max_length=200)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(
            choices=scopes.ALL_SCOPES,
            error_messages={"invalid_choice": f"must be one of {SCOPE_CHOICES}"},
        ),
        required=False,
        help_text="What the key may do; `ingest` by default. `track` makes a publishable "
        "key and stands alone.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="In the future; null for never."
    )
    rewards = serializers.ListField(
        child=RewardBoundsSerializer(),
        max_length=MOST_REWARDS,
        required=False,
        help_text="Of a publishable key: which rewards it may send. None: no rewards.",
    )
    origins = serializers.ListField(
        child=StrictCharField(max_length=LONGEST_ORIGIN),
        max_length=MOST_ORIGINS,
        required=False,
        help_text="Of a publishable key: the pages that may use it. None: all.",
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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise ValidationError if a secret key is given a publishable key's fields."""
        if scopes.TRACK not in attrs.get("scopes", ()):
            problem = "only a key with the scope `track` has this"
            fields = [name for name in ("rewards", "origins") if name in attrs]
            if fields:
                raise serializers.ValidationError(dict.fromkeys(fields, problem))
        return attrs


class RotateApiKeySerializer(StrictSerializer):
    """The request body of a rotation."""

    overlap_hours = StrictFloatField(
        default=24,
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        help_text="How long the secret before works still; 0 ends it at once.",
    )


class RotationSerializer(serializers.Serializer[ApiKey]):
    """A rotation whose overlap has not ended: two secrets work."""

    previous_prefix = serializers.CharField()
    overlap_ends_at = serializers.DateTimeField(source="previous_expires_at")


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key without its secret."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=scopes.ALL_SCOPES)
    )
    rotation = serializers.SerializerMethodField(
        help_text="Null unless the secret before the last rotation works still."
    )
    public_key = serializers.SerializerMethodField(
        help_text="The key itself if it is a publishable one, else null."
    )
    rewards = RewardBoundsSerializer(many=True)
    origins = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiKey
        fields = (
            *("id", "label", "prefix", "scopes", "created_at", "expires_at"),
            *("last_used_at", "rotation", "public_key", "rewards", "origins"),
        )

    @extend_schema_field(RotationSerializer(allow_null=True))
    def get_rotation(self, key: ApiKey) -> Any:
        """Return the running rotation; None without one."""
        if not key.has_overlap(timezone.now()):
            return None
        return RotationSerializer(key).data

    def get_public_key(self, key: ApiKey) -> str | None:
        """Return a publishable key as it stands in web pages."""
        return key.public_key or None


class ApiKeyWithSecretSerializer(ApiKeySerializer):
    """A key with a new secret: the only response that shows it."""

    secret = serializers.CharField()

    class Meta:
        model = ApiKey
        fields = (*ApiKeySerializer.Meta.fields, "secret")


class MeSerializer(serializers.Serializer[Any]):
    """The caller: a person with a role, or an API key."""

    user_id = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(choices=Member.Role.choices, allow_null=True)
    api_key = ApiKeySerializer(allow_null=True)
    organization = OrganizationSerializer()
