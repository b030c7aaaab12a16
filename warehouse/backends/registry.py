"""The module of each provider; its process imports the optional client library."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, Protocol, cast

from levered_site.errors import BadRequestError, UnavailableError
from warehouse.backends.base import Backend

# A provider that is not listed here cannot be connected.
BACKEND_MODULES = {
    "postgres": "warehouse.backends.postgres",
    "snowflake": "warehouse.backends.snowflake",
    "bigquery": "warehouse.backends.bigquery",
}
# The package that a provider's process imports and the service does not need otherwise,
# and the requirement that installs it, as in pyproject.toml's optional dependencies.
CLIENT_LIBRARIES = {
    "snowflake": ("snowflake.connector", "snowflake-connector-python>=4.8,<5"),
    "bigquery": ("google.cloud.bigquery", "google-cloud-bigquery>=3.47,<4"),
}


class BackendModule(Protocol):
    """The functions that each module of BACKEND_MODULES defines."""

    def validate_credentials(self, credentials: Mapping[str, Any], /) -> dict[str, Any]:
        """Return the credentials to store; InvalidParametersError on a wrong field."""

    def build_backend(
        self,
        organization_id: str,
        credentials: Mapping[str, Any],
        project_id: str = "",
        dataset_id: str = "",
        /,
    ) -> Backend:
        """Return the backend for validated credentials, without connecting."""


def load_module(provider: str) -> BackendModule:
    """Import a provider's module.

    Raises UnavailableError for a provider that this version does not support, and
    BadRequestError, naming what to install, if its client library is missing.
    """
    if provider not in BACKEND_MODULES:
        providers = ", ".join(sorted(BACKEND_MODULES))
        raise UnavailableError(
            f"This version does not support warehouses of the provider {provider}; it "
            f"supports {providers}, and the managed one."
        )
    client, requirement = CLIENT_LIBRARIES.get(provider, ("", ""))
    if client and not _is_installed(client):
        raise BadRequestError(
            f"The extra `{provider}` is not installed on this server. Its operator "
            f"runs: pip install '{requirement}'."
        )
    return cast("BackendModule", importlib.import_module(BACKEND_MODULES[provider]))


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False
