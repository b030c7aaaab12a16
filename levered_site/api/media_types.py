"""Which media type an `Accept` header prefers: JSON, unless CSV is asked for by name."""

from dataclasses import dataclass

JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True, slots=True)
class _Range:
    """A media range of an Accept header, with its weight and its place."""

    name: str
    weight: float
    place: int


def prefers_csv(header: str) -> bool:
    """Return whether an Accept header prefers CSV to JSON.

    It must name `text/csv`: a range such as `*/*` or `text/*`, which browsers and programs
    send that never think of CSV, is answered with JSON, as is everything unknown. Of two
    equal weights a name goes before a range, and of two names the first.
    """
    if CSV not in header.lower():  # nearly always
        return False
    ranges = {each.name: each for each in reversed(_read_ranges(header))}
    csv = ranges.get(CSV)
    if csv is None or not csv.weight:
        return False
    json = ranges.get(JSON)
    if json is not None:
        return (csv.weight, -csv.place) > (json.weight, -json.place)
    wider = [ranges[name].weight for name in ("application/*", "*/*") if name in ranges]
    return not wider or csv.weight >= wider[0]


def _read_ranges(header: str) -> list[_Range]:
    ranges = []
    for place, part in enumerate(header.lower().split(",")):
        name, *parameters = (text.strip() for text in part.split(";"))
        ranges.append(_Range(name, _read_weight(parameters), place))
    return ranges


def _read_weight(parameters: list[str]) -> float:
    """Return the `q` of a range: 1 if there is none, 0 if it is no number from 0 to 1."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0
