"""What a preview tells a human is wrong with a metric, in plain sentences."""

from warehouse.backends.answers import Facts, SourceFacts
from warehouse.sql.shapes import CheckedMetric

# Below this share of matching ids something is probably wrong with the ids.
EXPECTED_MATCH = 0.5


def match_rate(facts: Facts) -> float | None:
    """Share of the metric's users who have an exposure; None where nobody could."""
    if not facts.users or not facts.exposed_users:
        return None
    return facts.matched_users / facts.users


def warnings(metric: CheckedMetric, facts: Facts) -> list[str]:
    """Say what looks wrong, the worst first; an empty list means that nothing does."""
    start = [] if metric.query.takes_start_date else [MISSING_START_DATE]
    if not facts.rows:
        return ["The query returned no rows for the last 30 days.", *start]
    found = [_ids(facts), _times(facts), *_values(metric, facts), _repeats(facts)]
    return [sentence for sentence in found if sentence] + start


def source_warnings(facts: SourceFacts) -> list[str]:
    """Say what looks wrong with an assignment source, the worst first."""
    if not facts.rows:
        return ["The query returned no rows for the last 30 days."]
    said = []
    if facts.no_objects:
        said.append(
            f"Rows whose variant is no JSON object of factors: {facts.no_objects:,}."
        )
    times = _times(facts)
    return [*said, times] if times else said


MISSING_START_DATE = (
    "The SQL does not use @start_date, so every refresh reads everything: add a "
    "condition like `timestamp_utc >= @start_date`."
)


def _ids(facts: Facts) -> str:
    rate = match_rate(facts)
    if rate is None and facts.users:
        return "There are no exposures yet, so the ids could not be compared."
    if rate is None:
        return "No row has an anonymous_id."
    if not facts.matched_users:
        return (
            f"None of {facts.users:,} ids matches an exposure: the metric probably "
            "uses another id than the one that is served."
        )
    if rate < EXPECTED_MATCH:
        return f"Only {rate:.0%} of {facts.users:,} ids match an exposure."
    return ""


def _times(facts: Facts | SourceFacts) -> str:
    said = []
    if facts.identified < facts.rows:
        lost = facts.rows - facts.identified
        said.append(
            f"Rows that lack anonymous_id or timestamp and do not count: {lost:,}."
        )
    if facts.future:
        said.append(f"Rows with a timestamp in the future: {facts.future:,}.")
    if facts.zoneless:
        said.append("The timestamps have no time zone and are read as UTC.")
    return " ".join(said)


def _values(metric: CheckedMetric, facts: Facts) -> list[str]:
    if metric.value is None:
        return []
    said = []
    if facts.numeric < facts.rows:
        lost = facts.rows - facts.numeric
        said.append(f"Rows with a value that is not a number: {lost:,}.")
    if facts.values == 1 and facts.numeric > 1:
        said.append("All values are equal.")
    return said


def _repeats(facts: Facts) -> str:
    if not facts.repeated:
        return ""
    return f"Rows that repeat another one in every mapped column: {facts.repeated:,}."
