"""Which module speaks to which provider; optional client libraries load with theirs."""

import importlib
from types import ModuleType

from levered_site.errors import BadRequestError, UnavailableError

# Each module has `of` and `credentials`. Whatever is not here is not to be reached.
BACKEND_MODULES = {
    "postgres": "warehouse.backends.postgres",
    "snowflake": "warehouse.backends.snowflake",
    "bigquery": "warehouse.backends.bigquery",
}
# What a provider's module imports that the service itself does without, and what brings
# it: pyproject.toml says the same as optional dependencies.
CLIENT_LIBRARIES = {
    "snowflake": ("snowflake", "snowflake-connector-python>=4.8,<5"),
    "bigquery": ("google", "google-cloud-bigquery>=3.47,<4"),
}


def load_module(provider: str) -> ModuleType:
    """Load a provider's backend.

    Raises UnavailableError for a provider that this version cannot reach, and
    BadRequestError, naming what to install, where its client library is missing.
    """
    if provider not in BACKEND_MODULES:
        there = ", ".join(sorted(BACKEND_MODULES))
        raise UnavailableError(
            f"Warehouses of the provider {provider} are not available in this version; "
            f"there are {there}, and the managed one."
        )
    try:
        return importlib.import_module(BACKEND_MODULES[provider])
    except ModuleNotFoundError as error:
        client, requirement = CLIENT_LIBRARIES.get(provider, ("", ""))
        if (error.name or "").partition(".")[0] != client:
            raise
        raise BadRequestError(
            f"The extra `{provider}` is not installed on this server. Its operator "
            f"runs: pip install '{requirement}'."
        ) from error
