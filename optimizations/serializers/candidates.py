"""Request that sets a candidate."""

from rest_framework import serializers

from levered_site.api.fields import BoundedListField, StrictCharField, StrictFloatField
from levered_site.api.serializers import StrictSerializer
from optimizations.models import Optimization
from optimizations.serializers.training_data_config import LONGEST_NAME, MOST_FACTORS


class PutCandidateSerializer(StrictSerializer):
    """How the candidate learns; missing settings are those of the live model."""

    allocation = serializers.ChoiceField(
        choices=Optimization.Allocation.values, required=False
    )
    exploration_share = StrictFloatField(min_value=0, max_value=0.2, required=False)
    ignored_context_factors = BoundedListField(
        child=StrictCharField(max_length=LONGEST_NAME),
        max_length=MOST_FACTORS,
        required=False,
        help_text="Names of context factors that the candidate learns without.",
    )
