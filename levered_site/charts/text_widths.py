"""How wide a text will be at most: the server has no fonts, so it must not guess low."""

import unicodedata
from functools import lru_cache

ELLIPSIS = "…"
# Of the font's size: the widest of Inter, Liberation Sans and DejaVu Sans. Digits are all as
# wide as the widest, as in tables.
CLASSES = {
    0.33: "ijlI.,:;!'| ·\N{NO-BREAK SPACE}",
    0.42: "frt()[]/\\",
    0.52: '-_`"',
    0.62: "abcdeghknopqsuvxyz?*FJEL",
    0.67: "$0123456789{}",
    0.85: "w+<>=~^#\N{MINUS SIGN}",
    1.00: "mM%—…",
    1.05: "W@",
}
WIDTHS = {character: width for width, text in CLASSES.items() for character in text}
LATIN, IDEOGRAPH, SYMBOL = 0.8, 1.05, 1.4
BOLD = 1.06


def estimate_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return a width in pixels that the text does not exceed."""
    width = sum(map(_estimate_character, text)) * size
    return width * BOLD if is_bold else width


@lru_cache(maxsize=1024)
def _estimate_character(character: str) -> float:
    plain = unicodedata.normalize("NFKD", character)[:1]  # é is as wide as e
    if plain in WIDTHS:
        return WIDTHS[plain]
    if ord(character) < 0x530:  # Latin, Greek, Cyrillic
        return LATIN
    if unicodedata.combining(character):
        return 0.0
    category = unicodedata.category(character)
    return IDEOGRAPH if category.startswith(("L", "P")) else SYMBOL


def truncate_middle(
    text: str, width: float, size: float, *, is_bold: bool = False
) -> str:
    """Return the text, without its middle if it is wider than `width`.

    Both ends stay because names of variants often differ in their last level only.
    Empty where not even one character fits.
    """
    if estimate_width(text, size, is_bold=is_bold) <= width:
        return text
    low, high = 0, len(text) - 1  # how many characters stay
    while low < high:
        kept = (low + high + 1) // 2
        cut = _cut_middle(text, kept)
        if estimate_width(cut, size, is_bold=is_bold) <= width:
            low = kept
        else:
            high = kept - 1
    return _cut_middle(text, low) if low else ""


def _cut_middle(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head].rstrip() + ELLIPSIS + (text[-tail:].lstrip() if tail else "")
