"""When an Accept header asks for CSV."""

import pytest

from levered_site.api.media_types import prefers_csv

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    "header",
    [
        "text/csv",
        "TEXT/CSV",
        "text/csv; header=present",
        "text/csv;q=0.1",
        "text/csv, */*",
        "text/csv, */*;q=0.8",
        "text/csv;q=0.5, application/*;q=0.4",
        "text/csv, application/json",
        "application/json;q=0.5, text/csv",
        "text/csv; header=present; q=0.9, application/json;q=0.8",
        "text/html, text/csv;q=0.9, */*;q=0.1",
    ],
)
def test_csv_is_asked_for(header: str) -> None:
    assert prefers_csv(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "*/*",
        "text/*",
        CHROMIUM,
        "application/json",
        "application/json, text/plain, */*",
        "application/json, text/csv",
        "text/csv;q=0.5, application/json",
        "text/csv;q=0.5, */*",
        "text/csv;q=0.5, application/*",
        "text/csv;q=0",
        "text/csv;q=0.0, */*",
        "text/csv;q=x",
        "text/csv;q=2",
        "text/csv;q=nan",
        "text/csvx",
        "x-text/csv",
        "application/xml",
        "text/csv;q",
    ],
)
def test_json_is_the_answer(header: str) -> None:
    assert not prefers_csv(header)
