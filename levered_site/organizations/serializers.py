"""Shapes of /me and /api-keys."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictCharField
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations.models import ApiKey, Member, Organization


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """The caller's organization."""

    class Meta:
        model = Organization
        fields = ("id", "name")


class MeSerializer(serializers.Serializer[Any]):
    """Who the token is."""

    user_id = serializers.CharField()
    role = serializers.ChoiceField(choices=Member.Role.choices)
    organization = OrganizationSerializer()


class NewApiKeySerializer(StrictSerializer):
    """The body of a new key."""

    label = StrictCharField(max_length=200)  # type: ignore[assignment]  # DRF takes declared fields off the class, where `label` is its own


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key as lists show it: never its secret."""

    class Meta:
        model = ApiKey
        fields = ("id", "label", "prefix", "created_at", "last_used_at")


class ApiKeyWithSecretSerializer(serializers.ModelSerializer[ApiKey]):
    """A key as it is shown once."""

    secret = serializers.CharField()

    class Meta:
        model = ApiKey
        fields = ("id", "label", "prefix", "secret", "created_at")
