"""Classes of colors, whose values the style sheet has for light and dark."""

COLORS = 6
DEEP_SHADE = 5  # from this step on a text in the cell is white


def name_color(index: int) -> str:
    """Return the class of the color of a series; the seventh and later ones are gray."""
    return f"chart-color-{index + 1}" if index < COLORS else "chart-color-others"


def find_shade(share: float) -> int:
    """Return the step of a cell's shade from 0 to 8 for a share from 0 to 1."""
    return min(8, max(0, round(8 * share)))
