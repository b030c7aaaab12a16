"""The fields of the third step: what each means, in plain words, and its default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from rest_framework import serializers

from optimizations.serializers.optimization_requests import NewOptimizationSerializer
from optimizations.serializers.training_data_config import AttributionSerializer

ATTRIBUTION_PATH: Final = "training_data_config.attribution"


@dataclass(frozen=True, slots=True)
class TrafficField:
    """A field of the API's body. `kind` says how it is written, and how it is shown."""

    name: str
    label: str
    kind: str  # number, choice, lines, flag, source
    consequence: str
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    path: str = ""  # of the body, where it is not the name


FIELDS: Final = (
    TrafficField(
        "holdout_percentage",
        "Holdout",
        "number",
        "These users always get the baseline, and lift is measured against them. A larger "
        "holdout measures lift sooner; a smaller one lets more users profit. With 0 no "
        "lift is measured.",
        unit="% of users",
    ),
    TrafficField(
        "allocation",
        "How traffic is shared",
        "choice",
        "How users who are not held out are shared among the variants: by the square of "
        "a variant's probability of being best, by that probability itself, which explores "
        "longer, or evenly, whatever was learned.",
        choices=(
            ("default", "Favor what looks best"),
            ("thompson", "Explore longer"),
            ("uniform", "Even split, as in an A/B test"),
        ),
    ),
    TrafficField(
        "exploration_share",
        "Exploration",
        "number",
        "This part of the traffic is spread evenly over all variants, whatever was "
        "learned: 0.01 is 1%. It notices a variant that becomes better later.",
        unit="of the traffic",
    ),
    TrafficField(
        "retrain_every_minutes",
        "Retraining",
        "number",
        "How often the model learns from new events and publishes new shares. Only a "
        "period with new events leads to a training.",
        unit="minutes",
    ),
    TrafficField(
        "expected_users",
        "Expected users",
        "number",
        "The intervals that hold at every look are shortest at about this number of "
        "users. It is fixed once the optimization is live.",
        unit="users in all",
    ),
    TrafficField(
        "attribution_type",
        "Rewards count after",
        "choice",
        "A reward counts if it comes soon enough after an exposure.",
        choices=(
            ("last_touch", "The latest exposure before the reward"),
            ("first_touch", "The user's first exposure only"),
        ),
        path=f"{ATTRIBUTION_PATH}.type",
    ),
    TrafficField(
        "conversion_window_hours",
        "Conversion window",
        "number",
        "How long after that exposure a reward still counts.",
        unit="hours",
        path=f"{ATTRIBUTION_PATH}.conversion_window_hours",
    ),
    TrafficField(
        "horizon_hours",
        "Horizon",
        "number",
        "Nothing counts later than this after a user's first exposure. A longer horizon "
        "catches late rewards; figures are complete that much later.",
        unit="hours",
        path=f"{ATTRIBUTION_PATH}.horizon_hours",
    ),
    TrafficField(
        "assignment_source_id",
        "Assignment source",
        "source",
        "The query that reads from the connected warehouse who saw which variant.",
    ),
    TrafficField(
        "allowed_origins",
        "Allowed origins",
        "lines",
        "Only pages of these origins are served, such as https://www.shop.com, one per "
        "line. Servers and apps are not affected.",
    ),
    TrafficField(
        "public_policy",
        "Public policy",
        "flag",
        "Anybody may read the levels and their probabilities, so that pages and servers "
        "can decide by themselves. It names neither the optimization nor its metrics.",
    ),
)
FIELD_NAMES: Final = tuple(field.name for field in FIELDS)
DEFAULTS_IN_WORDS: Final[Mapping[str, str]] = {
    "expected_users": "10,000 until the first full week, then 4 times that week's",
    "horizon_hours": "the conversion window",
    "assignment_source_id": "the organization's default source",
    "allowed_origins": "pages of any origin",
    "public_policy": "members only",
}


def get_path(field: TrafficField) -> str:
    """Return where the field is in the body of the API."""
    return field.path or field.name


def find_serializer_field(field: TrafficField) -> Any:
    """Return the field of the API's serializer, which has the range and the default."""
    if field.path:
        name = field.path.rpartition(".")[2]
        return AttributionSerializer().fields[name]
    return NewOptimizationSerializer().fields[field.name]


def find_default(field: TrafficField) -> Any:
    """Return the API's default of a field; None where it is not one value."""
    stated = NewOptimizationSerializer.stated_defaults
    default = stated.get(field.name, find_serializer_field(field).default)
    return None if default is serializers.empty else default


def describe_range(field: TrafficField) -> str:
    """Return the range of a number as the API has it, as in `From 0 to 95`."""
    bounds = find_serializer_field(field)
    low, high = (getattr(bounds, f"{end}_value", None) for end in ("min", "max"))
    if field.kind != "number" or low is None or high is None or high > 10**9:
        return ""
    return f"From {low:,} to {high:,}"


def describe_default(field: TrafficField) -> str:
    """Return in words what holds if the field is left empty."""
    if field.name in DEFAULTS_IN_WORDS:
        return DEFAULTS_IN_WORDS[field.name]
    default = find_default(field)
    titles = dict(field.choices)
    return titles[default] if titles else f"{default:,g}"


def describe_placeholder(field: TrafficField) -> str:
    """Return the default of a number as the empty input shows it."""
    is_known = field.kind == "number" and field.name not in DEFAULTS_IN_WORDS
    return f"{find_default(field):g}" if is_known else ""


def read_value(field: TrafficField, text: str) -> Any:
    """Return the JSON value of what was typed, or the text where it is none."""
    if field.kind == "number":
        return read_number(text)
    if field.kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.kind == "flag":
        return text == "on"
    return text


def read_number(text: str) -> Any:
    """Return a number as the API's parser reads it, or the text where it is none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else text
