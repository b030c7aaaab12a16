"""What a preview says is wrong, and when it is silent."""

from dataclasses import replace

from warehouse import preview_warnings
from warehouse.backends.query_results import MetricFacts
from warehouse.sql.customer import check

SQL = "SELECT anonymous_id, timestamp_utc AS t, value FROM managed_dw.rewards"
MAPPING = {"anonymous_id": "anonymous_id", "timestamp": "t", "value": "value"}
METRIC = check.check_metric_query(f"{SQL} WHERE timestamp_utc >= @start_date", MAPPING)
FINE = MetricFacts(
    rows=10,
    identified=10,
    users=8,
    matched_users=8,
    exposed_users=True,
    future=0,
    zoneless=False,
    numeric=10,
    values=5,
    repeated=0,
)


def test_nothing_is_said_of_a_good_metric() -> None:
    assert preview_warnings.list_metric_warnings(METRIC, FINE) == []
    assert preview_warnings.compute_match_rate(FINE) == 1.0


def test_each_fault_has_its_sentence() -> None:
    faults = {
        "no rows": replace(FINE, rows=0),
        "None of 8 ids": replace(FINE, matched_users=0),
        "Only 25% of 8 ids": replace(FINE, matched_users=2),
        "no exposures yet": replace(FINE, exposed_users=False),
        "No row has an anonymous_id": replace(FINE, users=0),
        "lack anonymous_id or timestamp and do not count: 3": replace(
            FINE, identified=7
        ),
        "in the future: 2": replace(FINE, future=2),
        "read as UTC": replace(FINE, zoneless=True),
        "not a number: 4": replace(FINE, numeric=6),
        "All values are equal": replace(FINE, values=1),
        "every mapped column: 1": replace(FINE, repeated=1),
    }

    said = {
        name: preview_warnings.list_metric_warnings(METRIC, facts)
        for name, facts in faults.items()
    }

    assert [len(sentences) for sentences in said.values()] == [1] * len(faults)
    assert all(name in sentences[0] for name, sentences in said.items())


def test_missing_start_date_is_said_last() -> None:
    metric = check.check_metric_query(SQL, MAPPING)

    said = preview_warnings.list_metric_warnings(metric, replace(FINE, future=1))

    assert ["@start_date" in sentence for sentence in said] == [False, True]
