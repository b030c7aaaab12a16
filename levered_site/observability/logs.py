"""What the service says about itself: one JSON object a line, with the request's id, without secrets."""

import logging.config
import re
from collections.abc import Mapping

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "***"

_REDACTED_NAME_PATTERN = (
    r"[\w.-]*(?:password|passwd|secret|credentials?|private_?key|api_?key"
    r"|authorization|cookie|token)"
)
_SECRET_NAME = re.compile(_REDACTED_NAME_PATTERN, re.IGNORECASE)
_SECRET_REPLACEMENTS = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*KEY-----|$)",
            re.DOTALL,
        ),
        REDACTED,
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"\blev_[\w-]{8,}"), f"lev_{REDACTED}"),
    (re.compile(r"(\w+://[^\s:/@\"]*):[^\s/@\"]+@"), rf"\1:{REDACTED}@"),
    (
        re.compile(
            rf"(?i)([\"']{_REDACTED_NAME_PATTERN}[\"']\s*:\s*)([\"'])(?:\\.|(?!\2)[^\\])*\2"
        ),
        rf"\1\2{REDACTED}\2",
    ),
    (re.compile(r"(?i)\b(password|passwd|secret|token)=\S+"), rf"\1={REDACTED}"),
)


def redact_text(text: str) -> str:
    """Replace what looks like a secret in a text, a traceback or a foreign message."""
    for pattern, replacement in _SECRET_REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text


def _redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _redact_value(name, value) for name, value in event.items()}


def _redact_value(name: str, value: object) -> object:
    if _SECRET_NAME.fullmatch(name):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            str(key): _redact_value(str(key), inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value("", inner) for inner in value]
    return redact_text(str(value))


# The request's id is among the context variables: EnvelopeMiddleware puts it there.
_SHARED_PROCESSORS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def build_formatter() -> logging.Formatter:
    """Render a record of any library as one scrubbed JSON line."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=(structlog.stdlib.ExtraAdder(), *_SHARED_PROCESSORS),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redact_event,
            structlog.processors.JSONRenderer(),
        ],
    )


def _is_not_unavailable(record: logging.LogRecord) -> bool:
    """Drop Django's echo of a 503: whoever answered it has said why."""
    return getattr(record, "status_code", None) != 503


def configure_logging(level: str = "INFO") -> None:
    """Send every logger of this process to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": build_formatter}},
            "filters": {"news": {"()": lambda: _is_not_unavailable}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "json"}
            },
            "root": {"handlers": ["stderr"], "level": level.upper()},
            # 4xx answers are the client's doing, and the answer says it all.
            "loggers": {
                "django.request": {"level": "ERROR", "filters": ["news"]},
                "httpx": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
