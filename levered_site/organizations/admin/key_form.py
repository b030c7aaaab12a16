"""The form of a new API key: its fields are those of the API's body."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from levered_site.admin.api_forms import ApiForm
from levered_site.admin.row_fields import BodyRowsField, RowColumn
from levered_site.admin.serializer_fields import make_field
from levered_site.organizations import scopes
from levered_site.organizations.request_serializers import NewApiKeySerializer

make_key_field = partial(make_field, NewApiKeySerializer)

SCOPE_TITLES: Final = (
    (scopes.INGEST, "ingest: send exposures and rewards"),
    (scopes.SERVE, "serve: ask for variants from a server"),
    (scopes.READ, "read: read optimizations, metrics and results"),
    (scopes.WRITE, "write: read, and change what a member may change"),
    (scopes.TRACK, "track: stand in a web page, and send what is listed below"),
)
REWARD_COLUMNS: Final = (
    RowColumn("name", "Reward", hint="purchase"),
    RowColumn("min", "Least value", is_number=True, hint="0"),
    RowColumn("max", "Largest value", is_number=True, hint="1"),
)
MOST_LETTERS: Final = 200  # of a reward's name


class KeyForm(ApiForm):
    """What a key is called, what it may do, and until when."""

    serializer_class = NewApiKeySerializer

    label = make_key_field(
        "label", label="Label", help_text="Where it is used, so that you find it again."
    )
    expires_at = make_key_field(
        "expires_at",
        label="Expires at (UTC)",
        help_text="After this the API rejects the key. Empty: it does not expire.",
    )
    scopes = make_key_field(
        "scopes",
        label="What it may do",
        choices=SCOPE_TITLES,
        required=True,
        initial=[scopes.INGEST],
        help_text="You cannot change it later. <b>track</b> stands alone: everybody who "
        "opens the page can read such a key.",
    )
    rewards = BodyRowsField(
        REWARD_COLUMNS,
        item="reward",
        required=False,
        help_text="The rewards that the key may send, and the values that they may have. "
        "Without any it sends exposures only.",
    )
    rewards.api_path = "rewards"
    origins = make_key_field(
        "origins",
        help_text="The pages that may use the key, one a line, such as "
        "https://shop.example. Empty: all pages.",
    )


LAYOUT: Final = (
    (None, {"fields": (("label", "organization"), "scopes", "expires_at")}),
    ("Of a key with the scope track", {"fields": ("rewards", "origins")}),
)


def read_initial(query: Mapping[str, str]) -> dict[str, Any]:
    """Return what a link to the form fills in; what no key can have is ignored.

    `scopes` has names with commas between, `reward` the one that a page sends.
    """
    asked = query.get("scopes", "").split(",")
    names = [name for name in scopes.ALL_SCOPES if name in asked]
    initial: dict[str, Any] = {}
    if organization := query.get("organization"):
        initial["organization"] = organization
    if not names or (scopes.TRACK in names and len(names) > 1):
        return initial
    initial["scopes"] = names
    reward = query.get("reward", "").strip()
    if names == [scopes.TRACK] and 0 < len(reward) <= MOST_LETTERS:
        initial["rewards"] = [{"name": reward}]
    return initial
