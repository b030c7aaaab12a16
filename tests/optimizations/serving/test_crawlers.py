"""Known crawlers are told from people, and from the servers of our clients."""

import pytest
from pytest_django import Settings

from optimizations.serving import crawlers
from optimizations.serving.crawlers import is_crawler
from tests.support.code_blocks import ROOT

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        f"{CHROME} HeadlessChrome/140.0.0.0 Safari/537.36",
        f"{CHROME} Chrome/140.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23.20.0",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Mozilla/5.0 AppleWebKit/537.36 (compatible; GPTBot/1.2)",
        "GOOGLEBOT",
    ],
)
def test_a_known_crawler_is_recognized(user_agent: str) -> None:
    assert is_crawler(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        f"{CHROME} Chrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 13; CUBOT X70) Chrome/140.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) [FBAN/FBIOS;FBAV/1]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) [Pinterest/iOS]",
        *("curl/8.9.1", "python-requests/2.32", "axios/1.7", "node", "okhttp/4.12"),
        f"{'x' * 600} Googlebot",
    ],
)
def test_people_and_http_libraries_are_not_crawlers(user_agent: str) -> None:
    assert not is_crawler(user_agent)


def test_a_setting_adds_names(settings: Settings) -> None:
    assert not is_crawler("Our-Checker (eu)/1.0")

    settings.CRAWLER_USER_AGENTS = ("our-checker (eu)", "")

    assert is_crawler("Our-Checker (eu)/1.0")
    assert is_crawler("Googlebot/2.1")
    assert not is_crawler("curl/8.9.1")


def test_a_setting_records_crawlers_like_people(settings: Settings) -> None:
    settings.RECORD_CRAWLERS = True

    assert not is_crawler("Googlebot/2.1")


def test_the_docs_name_every_crawler() -> None:
    page = (ROOT / "docs/serving.md").read_text()
    section = page.partition("\n## Crawlers\n")[2].partition("\n## ")[0]

    missing = [name for name in crawlers.CRAWLER_NAMES if f"`{name}`" not in section]

    assert missing == []
