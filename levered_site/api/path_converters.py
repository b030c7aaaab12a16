"""The converter of ids in paths: `<id:pk>`."""

from django.urls import register_converter
from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    """A UUID in either case; views get a `uuid.UUID`, and answers are in lower case."""

    regex = UUIDConverter.regex.replace("a-f", "a-fA-F")


def register_path_converters() -> None:
    """Register `id`. Call it once, before a URLconf is read."""
    register_converter(IdConverter, "id")
