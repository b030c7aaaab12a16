"""What the command line keeps: environments, settings and credentials of this user."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx

LOCAL = "local"
LOCAL_URL = "http://localhost:3100"
# Settings with what each may be; an empty list allows any text.
SETTINGS: Mapping[str, list[str]] = {"output": ["table", "json"], "organization": []}


@dataclass(slots=True)
class Config:
    """The files of the user's folder; the second one holds secrets."""

    folder: Path
    environment: str = LOCAL
    environments: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def used(self) -> str:
        """The environment of commands that name none: LEVERED_ENV, or the kept one."""
        return os.environ.get("LEVERED_ENV") or self.environment

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of all environments by name."""
        return {LOCAL: LOCAL_URL, **self.environments}

    def choose_environment(self, url: str) -> str:
        """Return the environment that has an address, or the name of a new one.

        A new one is called by its host, so that no other environment, the one in use
        least of all, goes to another service. A first one on this machine is `local`.
        """
        known, address = self.addresses, httpx.URL(url)
        for name in (self.used, *known):
            if name in known and httpx.URL(known[name]) == address:
                return name
        if not self.credentials and is_loopback(url):
            return LOCAL
        name = address.netloc.decode() + address.path.rstrip("/")
        return url if name in known else name

    def find_url(self, environment: str) -> str:
        """Return the address of an environment. Raise UsageError for an unknown one."""
        known = self.addresses
        if environment not in known:
            raise click.UsageError(
                f"there is no environment {environment}; make it: "
                f"levered --env {environment} login --url https://…"
            )
        return known[environment]

    def find_credential(self, environment: str, kind: str = "token") -> str:
        """Return a credential of an environment, or nothing."""
        return self.credentials.get(environment, {}).get(kind, "")

    def keep_credential(
        self, environment: str, secret: str, kind: str = "token"
    ) -> None:
        """Remember a credential; an empty one is forgotten."""
        kept = self.credentials.setdefault(environment, {})
        kept[kind] = secret
        if not secret:
            del kept[kind]
        _write(self.folder / "credentials.json", self.credentials)

    def save(self) -> None:
        """Write the environments and settings."""
        document = {
            "environment": self.environment,
            "environments": self.environments,
            "settings": self.settings,
        }
        _write(self.folder / "config.json", document)


def is_loopback(url: str) -> bool:
    """Return whether an address is one of this machine."""
    return httpx.URL(url).host in {"localhost", "127.0.0.1"}


def load_config() -> Config:
    """Read the files; what is missing or broken is as after the installation."""
    folder = Path(os.environ.get("LEVERED_CONFIG_DIR") or click.get_app_dir("levered"))
    document = _read(folder / "config.json")
    return Config(
        folder,
        environment=document.get("environment", LOCAL),
        environments=document.get("environments", {}),
        settings=document.get("settings", {}),
        credentials=_read(folder / "credentials.json"),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a file that only this user reads, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Such a file is readable by its owner only.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(document, file, indent=2)
    Path(file.name).replace(path)
