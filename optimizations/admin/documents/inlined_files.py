"""Files that stand inside of a document: style sheets, the icon, screenshots."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.db.models import BinaryField, Case, F, When
from django.db.models.functions import Length
from django.utils.safestring import SafeString

from optimizations.models import Optimization

STYLES: Final = ("levered_charts/charts.css", "levered_admin/document.css")
ICON: Final = "levered_admin/icon.svg"
MAX_PICTURE_BYTES: Final = (
    700_000  # as much as the whole of a report without any, tenfold
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot as a data URI; empty where it is too large to stand in a document."""

    uri: str
    size: int


@cache
def read_styles() -> SafeString:
    """Return the style sheets of a document; our own files, so they are not escaped."""
    return SafeString("\n".join(_read(name).decode() for name in STYLES))


@cache
def build_icon_uri() -> str:
    """Return the icon as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(_read(ICON)).decode()}"


def _read(name: str) -> bytes:
    path = finders.find(name)
    assert path is not None, f"{name} is part of this package"
    return Path(path).read_bytes()


def load_pictures(
    optimization: Optimization, numbers: Sequence[int]
) -> dict[int, Picture]:
    """Return the screenshots of these variants by number; of large ones the thumbnail."""
    size = Length("screenshot")
    rows = (
        optimization.variants.filter(number__in=numbers, screenshot__isnull=False)
        .annotate(size=size)
        .annotate(
            small=Case(
                When(size__lte=MAX_PICTURE_BYTES, then=F("screenshot")),
                default=F("thumbnail"),
                output_field=BinaryField(null=True),
            )
        )
    )
    return {
        number: Picture(_build_uri(picture), size)
        for number, picture, size in rows.values_list("number", "small", "size")
    }


def _build_uri(picture: bytes | memoryview | None) -> str:
    if picture is None:
        return ""
    data = bytes(picture)
    kind = "webp" if data[8:12] == b"WEBP" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
