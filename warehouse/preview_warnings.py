"""What a preview tells a human is wrong with a metric, in plain sentences."""

from warehouse.backends.query_results import MetricFacts, SourceFacts
from warehouse.sql.shapes import CheckedMetric

# Below this share of matching ids something is probably wrong with the ids.
MIN_EXPECTED_MATCH_RATE = 0.5


def compute_match_rate(facts: MetricFacts) -> float | None:
    """Share of the metric's users who have an exposure; None where nobody could."""
    if not facts.users or not facts.exposed_users:
        return None
    return facts.matched_users / facts.users


def list_metric_warnings(metric: CheckedMetric, facts: MetricFacts) -> list[str]:
    """Say what looks wrong, the worst first; an empty list means that nothing does."""
    start = [] if metric.query.takes_start_date else [MISSING_START_DATE]
    if not facts.rows:
        return ["The query returned no rows for the last 30 days.", *start]
    found = [
        _warn_about_ids(facts),
        _warn_about_timestamps(facts),
        *_warn_about_values(metric, facts),
        _warn_about_repeats(facts),
    ]
    return [sentence for sentence in found if sentence] + start


def list_source_warnings(facts: SourceFacts) -> list[str]:
    """Say what looks wrong with an assignment source, the worst first."""
    if not facts.rows:
        return ["The query returned no rows for the last 30 days."]
    said = []
    if facts.no_objects:
        said.append(
            f"Rows whose variant is no JSON object of factors: {facts.no_objects:,}."
        )
    times = _warn_about_timestamps(facts)
    return [*said, times] if times else said


MISSING_START_DATE = (
    "The SQL does not use @start_date, so every refresh reads everything: add a "
    "condition like `timestamp_utc >= @start_date`."
)


def _warn_about_ids(facts: MetricFacts) -> str:
    rate = compute_match_rate(facts)
    if rate is None and facts.users:
        return "There are no exposures yet, so the ids could not be compared."
    if rate is None:
        return "No row has an anonymous_id."
    if not facts.matched_users:
        return (
            f"None of {facts.users:,} ids matches an exposure: the metric probably "
            "uses another id than the one that is served."
        )
    if rate < MIN_EXPECTED_MATCH_RATE:
        return f"Only {rate:.0%} of {facts.users:,} ids match an exposure."
    return ""


def _warn_about_timestamps(facts: MetricFacts | SourceFacts) -> str:
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


def _warn_about_values(metric: CheckedMetric, facts: MetricFacts) -> list[str]:
    if metric.value is None:
        return []
    said = []
    if facts.numeric < facts.rows:
        lost = facts.rows - facts.numeric
        said.append(f"Rows with a value that is not a number: {lost:,}.")
    if facts.values == 1 and facts.numeric > 1:
        said.append("All values are equal.")
    return said


def _warn_about_repeats(facts: MetricFacts) -> str:
    if not facts.repeated:
        return ""
    return f"Rows that repeat another one in every mapped column: {facts.repeated:,}."
