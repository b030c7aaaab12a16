"""Known crawlers: they get a decision, which is not recorded as a person's."""

import functools

from django.conf import settings

MAX_USER_AGENT_LENGTH = 512

# Parts of User-Agent headers, compared without case. HTTP libraries (curl, axios,
# python-requests) are missing on purpose: they are the servers of our clients.
CRAWLER_NAMES = (
    # search engines
    *("Googlebot", "Google-InspectionTool", "GoogleOther", "Storebot-Google"),
    *("AdsBot-Google", "Mediapartners-Google", "APIs-Google", "bingbot", "BingPreview"),
    *("adidxbot", "msnbot", "Applebot", "DuckDuckBot", "DuckDuckGo-Favicons-Bot"),
    *(
        "YandexBot",
        "YandexMobileBot",
        "YandexImages",
        "Baiduspider",
        "Sogou web spider",
    ),
    *("360Spider", "Yahoo! Slurp", "SeznamBot", "Qwantbot", "coccocbot", "Yeti/"),
    *("PetalBot", "MojeekBot", "naver.me/spd", "Amazonbot", "Bytespider"),
    # language models
    *("GPTBot", "OAI-SearchBot", "ChatGPT-User", "ClaudeBot", "Claude-User"),
    *("Claude-SearchBot", "anthropic-ai", "PerplexityBot", "Perplexity-User", "CCBot"),
    *("meta-externalagent", "cohere-ai", "Diffbot", "YouBot", "MistralAI-User"),
    # link previews
    *("facebookexternalhit", "Facebot", "Twitterbot", "LinkedInBot", "Slackbot"),
    *("Discordbot", "TelegramBot", "WhatsApp/", "SkypeUriPreview", "Pinterestbot"),
    *("redditbot", "vkShare", "Embedly", "Iframely", "Google-PageRenderer"),
    # search marketing and archives
    *("AhrefsBot", "AhrefsSiteAudit", "SemrushBot", "SiteAuditBot", "MJ12bot"),
    *(
        "DotBot",
        "rogerbot",
        "BLEXBot",
        "DataForSeoBot",
        "Screaming Frog",
        "serpstatbot",
    ),
    *("archive.org_bot", "ia_archiver", "heritrix", "Barkrowler", "SeekportBot"),
    # uptime and page speed
    *("UptimeRobot", "Pingdom", "StatusCake", "Site24x7", "DatadogSynthetics"),
    *("GoogleStackdriverMonitoring", "NewRelicPinger", "Better Uptime Bot", "Checkly"),
    *("updown.io", "Catchpoint", "freshping", "GTmetrix", "Chrome-Lighthouse"),
    *("PageSpeed Insights", "PTST/", "SpeedCurve"),
    # browsers without a window
    *("HeadlessChrome", "PhantomJS", "Prerender", "Rendertron"),
)


def is_crawler(user_agent: str) -> bool:
    """Return whether a User-Agent names a known crawler.

    CRAWLER_USER_AGENTS adds names. Under RECORD_CRAWLERS nothing counts as a crawler.
    """
    if settings.RECORD_CRAWLERS:
        return False
    return _names_crawler(
        user_agent[:MAX_USER_AGENT_LENGTH], settings.CRAWLER_USER_AGENTS
    )


@functools.lru_cache(maxsize=1024)
def _names_crawler(user_agent: str, additional_names: tuple[str, ...]) -> bool:
    # Searching a hundred texts is 25 times faster than one pattern of alternatives.
    text = user_agent.lower()
    return any(name in text for name in _list_lower_names(additional_names))


@functools.lru_cache(maxsize=8)
def _list_lower_names(additional_names: tuple[str, ...]) -> tuple[str, ...]:
    names = (*CRAWLER_NAMES, *additional_names)
    return tuple(name.strip().lower() for name in names if name.strip())
