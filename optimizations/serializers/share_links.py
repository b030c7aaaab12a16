"""Share links of an optimization, in requests and responses."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictCharField
from levered_site.api.serializers import StrictSerializer
from optimizations.models import ShareLink
from optimizations.models.share_link import MAX_LABEL_LENGTH
from optimizations.sharing.links import DAYS, DEFAULT_DAYS


class DaysField(serializers.ChoiceField):
    """One of the numbers of days, as a JSON number: not "30", not `true`."""

    def to_internal_value(self, data: Any) -> Any:
        """Accept only a whole number among the choices."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class ShareLinkBodySerializer(StrictSerializer):
    """The body of a new share link."""

    # `Any`, because the base class has a `label` of its own, which DRF keeps apart.
    label: Any = StrictCharField(
        max_length=MAX_LABEL_LENGTH,
        required=False,
        allow_blank=True,
        default="",
        help_text="Whom it is for, so that you find it again. The page does not show it.",
    )
    expires_in_days = DaysField(
        choices=DAYS, required=False, default=DEFAULT_DAYS, help_text="From now on."
    )


class ShareLinkSerializer(serializers.ModelSerializer[ShareLink]):
    """A share link without its address, of which only a digest is stored."""

    # `Any`, as above.
    label: Any = serializers.CharField(allow_blank=True, help_text="Whom it is for.")
    created_by = serializers.CharField(
        help_text="Who made it, such as `user:user_alice` or `key:` with the id of one."
    )
    last_opened_at = serializers.DateTimeField(
        allow_null=True,
        help_text="By whom is not known: nothing of visitors is stored.",
    )
    times_opened = serializers.IntegerField(min_value=0)

    class Meta:
        model = ShareLink
        fields = (
            *("id", "label", "created_by", "created_at", "expires_at"),
            *("last_opened_at", "times_opened"),
        )


class ShareLinkWithUrlSerializer(ShareLinkSerializer):
    """A new share link: the only response that has its address."""

    url = serializers.CharField(
        help_text="Opens the results without a log-in. It is not shown again."
    )

    class Meta:
        model = ShareLink
        fields = (*ShareLinkSerializer.Meta.fields, "url")
