"""Warnings of a preview: what looks wrong with a metric or an assignment source."""

from warehouse.backends.query_results import MetricFacts, SourceFacts
from warehouse.sql.preview import foreign_texts, suggested_sql
from warehouse.sql.preview.current_time import reads_current_time
from warehouse.sql.shapes import CheckedMetric, CheckedSource

# A smaller share of matching ids probably means that the ids are wrong.
MIN_EXPECTED_MATCH_RATE = 0.5
# Above it, other spellings are worth a word from this share of all ids on.
MIN_ALIKE_SHARE = 0.01
NO_ROWS = "The query returned no rows for the last 30 days."
MISSING_START_DATE = (
    "The SQL does not use @start_date, so every refresh reads all rows: {condition}"
)
CURRENT_TIME = (
    "The SQL reads the current time, so what it returns changes by itself: compare with "
    "@start_date instead."
)
UNREAD = (
    "Rows whose {column!r} is no finite number below 1e40 in size, as “{example}”: "
    "{rows:,}. They count as no amount, as if nobody had paid it: decide in the SQL what "
    "they are worth. {remedy}"
)
MIDNIGHT = (
    "All timestamps are at midnight (UTC). A reward counts only after its user's first "
    "exposure, so those of the same day are lost: map a column with the time of day."
)
SOURCE_MIDNIGHT = (
    "All timestamps are at midnight (UTC). What a user did on the same day before the first "
    "exposure then counts as its effect: map a column with the time of day."
)
ONE_DAY_TIME = (
    "All timestamps are at one time of day, as midnight of another zone is. What is recorded "
    "for a day then counts before or after its exposures at random: map a column with the "
    "time of day."
)
HASH_LIKE = (
    " Among {one} ids are some of 40, 64 or 128 hex digits, as SHA-1, SHA-256 and SHA-512 "
    "write hashes, and {other} are none: let both have the same id."
)
NO_OPTIMIZATIONS = "No row has an optimization_id: no exposure can count."
ONE_USER = (
    "All {rows:,} rows have the same anonymous_id: they count as one user. Map the column "
    "with the id that serve requests send."
)


def compute_match_rate(facts: MetricFacts) -> float | None:
    """Return the share of the metric's users who have an exposure.

    None if the metric has no users, or if there are no exposures.
    """
    if not facts.users or not facts.exposed_users:
        return None
    return facts.matched_users / facts.users


def list_metric_warnings(
    metric: CheckedMetric,
    facts: MetricFacts,
    *,
    has_amounts: bool = False,
    counts_rows: bool = False,
) -> list[str]:
    """Return warnings about a metric, the worst first.

    With `has_amounts` its values are amounts, so one that is no number is worth nothing;
    with `counts_rows` each row is a conversion, whatever its value is.
    """
    start_date_warnings = _warn_about_text(metric)
    if not facts.rows:
        return [NO_ROWS, *start_date_warnings]
    warnings = [
        _warn_about_ids(facts),
        _warn_about_one_user(facts),
        _warn_about_timestamps(facts),
        *(
            []
            if counts_rows
            else _warn_about_values(metric, facts, has_amounts=has_amounts)
        ),
        _warn_about_repeats(facts),
    ]
    return [warning for warning in warnings if warning] + start_date_warnings


def list_source_warnings(source: CheckedSource, facts: SourceFacts) -> list[str]:
    """Return warnings about an assignment source, the worst first."""
    start_date_warnings = _warn_about_text(source)
    if not facts.rows:
        return [NO_ROWS, *start_date_warnings]
    warnings = []
    if not facts.optimizations:
        warnings.append(NO_OPTIMIZATIONS)
    if one_user_warning := _warn_about_one_user(facts):
        warnings.append(one_user_warning)
    if facts.no_objects:
        warnings.append(
            f"Rows whose variant is not a JSON object of factors: {facts.no_objects:,}."
        )
    if facts.no_contexts:
        warnings.append(
            f"Rows whose context is not a JSON object: {facts.no_contexts:,}. All "
            "that they say of the context counts as missing."
        )
    if timestamp_warning := _warn_about_timestamps(facts):
        warnings.append(timestamp_warning)
    return warnings + start_date_warnings


def _warn_about_text(checked: CheckedMetric | CheckedSource) -> list[str]:
    """Return warnings about the SQL itself, whatever its rows are."""
    query = checked.query
    warnings = foreign_texts.list_text_warnings(query)
    if not query.takes_start_date:
        condition = suggested_sql.suggest_start_date(query, checked.timestamp)
        warnings.append(MISSING_START_DATE.format(condition=condition))
    if reads_current_time(query):
        warnings.append(CURRENT_TIME)
    return warnings


def _warn_about_ids(facts: MetricFacts) -> str:
    rate = compute_match_rate(facts)
    if rate is None and facts.users:
        return "There are no exposures yet, so the ids cannot be compared."
    if rate is None:
        return "No row has an anonymous_id."
    alike = _describe_spellings(facts)
    if not facts.matched_users:
        return (
            f"None of {facts.users:,} ids matches an exposure: the metric probably "
            f"uses another id than serve requests do.{alike}"
        )
    if rate < MIN_EXPECTED_MATCH_RATE:
        return f"Only {rate:.0%} of {facts.users:,} ids match an exposure.{alike}"
    respelled = facts.alike_users + facts.hashed_users
    respelled += facts.hashed_exposed_users + facts.hyphen_users
    if respelled >= MIN_ALIKE_SHARE * facts.users:
        return f"{rate:.0%} of {facts.users:,} ids match an exposure.{alike}"
    return ""


def _warn_about_one_user(facts: MetricFacts | SourceFacts) -> str:
    rows = facts.identified - facts.empty_ids if facts.users == 1 else 0
    return ONE_USER.format(rows=rows) if rows > 1 else ""


def _describe_spellings(facts: MetricFacts) -> str:
    """Return how many more ids would match if they were spelled alike, as sentences."""
    more = " more" if facts.matched_users else ""
    sentences = ""
    if facts.alike_users:
        sentences += (
            f" {facts.alike_users:,}{more} would match in lower case and without blanks "
            "or quotes around."
        )
    if facts.hashed_users:
        sentences += (
            f" {facts.hashed_users:,}{more} are the MD5 or SHA-256 of an id that was "
            "served: select the id that serve requests send."
        )
    if facts.hashed_exposed_users:
        sentences += (
            f" Of {facts.hashed_exposed_users:,}{more} the MD5 or SHA-256 was exposed: "
            "select the hash, as exposures have it."
        )
    if facts.hyphen_users:
        sentences += f" {facts.hyphen_users:,}{more} would match without hyphens."
    return sentences or _describe_shapes(facts)


def _describe_shapes(facts: MetricFacts) -> str:
    """Return that the ids of one side alone look like hashes, as a sentence."""
    if bool(facts.hash_like_users) == bool(facts.hash_like_exposures):
        return ""
    sides = ("the metric's", "the exposures'")
    one, other = sides if facts.hash_like_users else sides[::-1]
    return HASH_LIKE.format(one=one, other=other)


def _warn_about_timestamps(facts: MetricFacts | SourceFacts) -> str:
    sentences = []
    if facts.identified < facts.rows:
        unidentified = facts.rows - facts.identified
        sentences.append(
            "Rows that lack anonymous_id or timestamp and do not count: "
            f"{unidentified:,}."
        )
    if facts.empty_ids:
        sentences.append(
            f"Rows whose anonymous_id is an empty text: {facts.empty_ids:,}. They count "
            "for nobody."
        )
    if facts.future:
        sentences.append(f"Rows with a timestamp in the future: {facts.future:,}.")
    if isinstance(facts, MetricFacts) and facts.out_of_range:
        sentences.append(
            "Rows with an infinite timestamp, or one outside of the years 1 to 9999: "
            f"{facts.out_of_range:,}."
        )
    if facts.identified > 1 and facts.midnight == facts.identified:
        is_metric = isinstance(facts, MetricFacts)
        sentences.append(MIDNIGHT if is_metric else SOURCE_MIDNIGHT)
    elif facts.one_day_time:
        sentences.append(ONE_DAY_TIME)
    if facts.zoneless:
        sentences.append("The timestamps have no time zone and are read as UTC.")
    return " ".join(sentences)


def _warn_about_values(
    metric: CheckedMetric, facts: MetricFacts, *, has_amounts: bool
) -> list[str]:
    if metric.value is None:
        return []
    sentences, not_numeric = [], facts.rows - facts.numeric
    if has_amounts and facts.unread:
        not_numeric -= facts.unread
        sentences.append(
            UNREAD.format(
                rows=facts.unread,
                example=facts.unread_example,
                column=metric.value,
                remedy=suggested_sql.suggest_amount(metric, facts.value_type),
            )
        )
    if not_numeric:
        sentences.append(f"Rows with a value that is not a number: {not_numeric:,}.")
    if facts.values == 1 and facts.numeric > 1:
        sentences.append("All values are equal.")
    return sentences


def _warn_about_repeats(facts: MetricFacts) -> str:
    if not facts.repeated:
        return ""
    return f"Rows that repeat another one in every mapped column: {facts.repeated:,}."
