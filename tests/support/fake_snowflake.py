"""A fake Snowflake account that the vendor's client asks over HTTP."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import fakesnow
import pyarrow as pa
import pyarrow.compute as pc
from django.test import override_settings
from fakesnow import arrow
from fakesnow.instance import FakeSnow
from snowflake import connector

# The function, before the package's module of the same name hides it.
_serve_account = fakesnow.server
_build_timestamps = arrow.timestamp_to_sf_struct


@contextmanager
def run_fake_account() -> Iterator[Any]:
    """Serve an empty account; yield a cursor of its owner in the schema `db.app`."""
    module: Any = importlib.import_module("fakesnow.server")
    module.shared_fs = FakeSnow()  # in place of an earlier account
    with (
        mock.patch.object(arrow, "timestamp_to_sf_struct", _build_nullable_timestamps),
        _serve_account() as arguments,
    ):
        endpoint = f"http://{arguments['host']}:{arguments['port']}"
        owner = connector.connect(
            **{**arguments, "network_timeout": 60},
            database="db",
            schema="app",
            paramstyle="qmark",
        )
        with owner, override_settings(SNOWFLAKE_ENDPOINT=endpoint):
            yield owner.cursor()


def _build_nullable_timestamps(timestamps: Any) -> Any:
    """Return timestamps as Snowflake sends them. The fake sends 1970 for a NULL."""
    timestamps = timestamps.combine_chunks()
    built = _build_timestamps(timestamps)
    return pa.StructArray.from_arrays(
        [pc.fill_null(field, 0) for field in built.flatten()],
        fields=list(built.type),
        mask=pc.is_null(timestamps),
    )
