"""Files that stand inside of a document: style sheets, the icon, screenshots."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.db.models import BinaryField, Case, F, Q, When
from django.db.models.functions import Length
from django.utils.safestring import SafeString

from optimizations.configuration.thumbnails import make_thumbnail
from optimizations.models import Optimization

STYLES: Final = ("levered_charts/charts.css", "levered_admin/document.css")
ICON: Final = "levered_admin/icon.svg"
MAX_PICTURE_BYTES: Final = (
    700_000  # as much as the whole of a report without any, tenfold
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot as a data URI; empty where it is broken, or too large for a document."""

    uri: str
    size: int

    @property
    def is_large(self) -> bool:
        """Whether it has no place in a document."""
        return self.size > MAX_PICTURE_BYTES


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
            is_drawn=Q(thumbnail__isnull=False),
            small=Case(
                When(size__lte=MAX_PICTURE_BYTES, then=F("screenshot")),
                default=F("thumbnail"),
                output_field=BinaryField(null=True),
            ),
        )
    )
    return {
        number: Picture(_build_uri(_keep_whole(small, is_drawn=is_drawn)), size)
        for number, small, size, is_drawn in rows.values_list(
            "number", "small", "size", "is_drawn"
        )
    }


def _keep_whole(
    picture: bytes | memoryview | None, *, is_drawn: bool
) -> bytes | memoryview | None:
    """Return the picture, or None for a broken one of versions that took such."""
    if picture is None or is_drawn or make_thumbnail(bytes(picture)):
        return picture
    return None


def _build_uri(picture: bytes | memoryview | None) -> str:
    if picture is None:
        return ""
    data = bytes(picture)
    kind = "webp" if data[8:12] == b"WEBP" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
