"""The forms of a connection: one per provider, with the fields that the API takes.

No form shows a secret again. Its page sends it by htmx and leaves the fields as they are.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from typing_extensions import override
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from levered_site.admin.api_forms import ApiForm
from levered_site.admin.body_fields import (
    BodyChoiceField,
    BodyNumberField,
    BodyTextField,
)
from levered_site.admin.serializer_fields import make_field
from levered_site.errors import FieldProblem
from warehouse.backends.postgres_credentials import ENCRYPTED_MODES, UNENCRYPTED_MODES
from warehouse.models import Connection
from warehouse.serializers import NewConnectionSerializer

make_connection_field = partial(make_field, NewConnectionSerializer)
Provider = Connection.Provider
HIDES_VALUE: Final = {"autocomplete": "off", "spellcheck": "false"}


class SecretTextarea(UnfoldAdminTextareaWidget):
    """A text of several lines that no response holds."""

    def format_value(self, _value: Any) -> str:
        """Return nothing."""
        return ""


def _make_credential(name: str, label: str, **options: Any) -> Any:
    field = BodyTextField(label=label, **options)
    field.api_path = f"credentials.{name}"
    return field


def _make_password(**options: Any) -> Any:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return _make_credential("password", "Password", widget=widget, **options)


class ConnectionForm(ApiForm):
    """The form of a provider; `layout` are its fields below the organization."""

    serializer_class = NewConnectionSerializer
    provider: ClassVar[str]
    layout: ClassVar[tuple[Any, ...]] = ()

    @override
    def build_body(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        return {"provider": str(self.provider), **super().build_body(names)}

    @override
    def describe_problem(self, name: str, problem: FieldProblem) -> str:
        """Name the part of a key file that is wrong."""
        own = self.api_paths.get(name, "")
        part = problem.field.removeprefix(own).removeprefix(".")
        return f"{part}: {problem.message}" if part else problem.message


class PostgresForm(ConnectionForm):
    """A Postgres server."""

    provider = Provider.POSTGRES
    host = _make_credential(
        "host", "Host", help_text="A name or an address that this service reaches."
    )
    port = BodyNumberField(label="Port", initial=5432)
    port.api_path = "credentials.port"
    database = _make_credential("database", "Database")
    username = _make_credential(
        "username",
        "User",
        help_text="A role that may only read, and only what metrics need.",
    )
    password = _make_password(help_text="Encrypted when stored. No page shows it.")
    sslmode = BodyChoiceField(
        label="Encryption",
        initial="require",
        widget=UnfoldAdminSelectWidget(
            choices=[(mode, mode) for mode in (*ENCRYPTED_MODES, *UNENCRYPTED_MODES)]
        ),
        help_text="verify-full also checks that the certificate is the server's. Without "
        "encryption only where the installation allows private addresses.",
    )
    sslmode.api_path = "credentials.sslmode"
    dataset_id = make_connection_field(
        "dataset_id",
        label="Schema",
        help_text="Of tables that a query names without one. Empty: public.",
    )
    layout = (
        ("host", "port"),
        ("database", "dataset_id"),
        ("username", "password"),
        "sslmode",
    )


class SnowflakeForm(ConnectionForm):
    """A Snowflake account."""

    provider = Provider.SNOWFLAKE
    account = _make_credential(
        "account", "Account", help_text="As in myorg-account123.snowflakecomputing.com."
    )
    username = _make_credential("username", "User")
    password = _make_password(
        required=False, help_text="Either a password or a private key."
    )
    private_key = _make_credential(
        "private_key",
        "Private key",
        required=False,
        widget=SecretTextarea(attrs={"rows": 4, **HIDES_VALUE}),
        help_text="PEM, RSA of at least 2,048 bits, without a passphrase. Encrypted when "
        "stored. No page shows it.",
    )
    warehouse = _make_credential(
        "warehouse",
        "Warehouse",
        help_text="The smallest is enough. It costs you money.",
    )
    database = _make_credential("database", "Database")
    schema = _make_credential(
        "schema", "Schema", help_text="Of tables that a query names without one."
    )
    role = _make_credential(
        "role", "Role", required=False, help_text="Empty: the user's default role."
    )
    layout = (
        ("account", "warehouse"),
        ("database", "schema"),
        ("username", "role"),
        "password",
        "private_key",
    )


class KeyFileField(forms.CharField):
    """The JSON of a service account's key, as credentials."""

    api_path = "credentials"
    empty_value: Any = None

    def to_python(self, value: Any) -> Any:
        """Return the object of a JSON text. Raise ValidationError on anything else."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise ValidationError(
                "This is not the JSON of a key file: paste the whole file, from { to }."
            )
        return parsed

    def run_validators(self, value: Any) -> None:
        """Do nothing: those of a text do not fit an object."""


class BigQueryForm(ConnectionForm):
    """A BigQuery project, by a service account's key."""

    provider = Provider.BIGQUERY
    key_file = KeyFileField(
        label="Key file of the service account",
        widget=SecretTextarea(attrs={"rows": 6, **HIDES_VALUE}),
        help_text="Paste the JSON. Levered keeps type, project_id, client_email and "
        "private_key, encrypted, and nothing else. No page shows it.",
    )
    project_id = make_connection_field(
        "project_id",
        label="Project that queries run in",
        help_text="Empty: the project of the key file.",
    )
    dataset_id = make_connection_field(
        "dataset_id",
        label="Dataset",
        help_text="Of tables that a query names without one.",
    )
    location = _make_credential(
        "location",
        "Location",
        required=False,
        help_text="Such as EU or us-east1. Empty: where the data are.",
    )
    layout = ("key_file", ("project_id", "dataset_id"), "location")


class ManagedForm(ConnectionForm):
    """The built-in store, which needs no settings."""

    provider = Provider.MANAGED


FORMS: Final[dict[str, type[ConnectionForm]]] = {
    Provider.POSTGRES: PostgresForm,
    Provider.SNOWFLAKE: SnowflakeForm,
    Provider.BIGQUERY: BigQueryForm,
    Provider.MANAGED: ManagedForm,
}
TITLES: Final = {
    Provider.POSTGRES: "Postgres",
    Provider.SNOWFLAKE: "Snowflake",
    Provider.BIGQUERY: "BigQuery",
    Provider.MANAGED: "Built-in store",
}
