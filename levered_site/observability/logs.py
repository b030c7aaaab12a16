"""Structured logs: one JSON object per line, with the request id, without secrets."""

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
    """Replace what looks like a secret in a text or a traceback."""
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


# merge_contextvars adds what structlog.contextvars holds, such as a request id.
_SHARED_PROCESSORS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def build_formatter() -> logging.Formatter:
    """Return a formatter that writes any record as one JSON line without secrets."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=(structlog.stdlib.ExtraAdder(), *_SHARED_PROCESSORS),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redact_event,
            structlog.processors.JSONRenderer(),
        ],
    )


def _is_not_unavailable(record: logging.LogRecord) -> bool:
    """Drop Django's record of a 503: the code that answered it has logged the cause."""
    return getattr(record, "status_code", None) != 503


def configure_logging(level: str = "INFO") -> None:
    """Configure all loggers of this process to write to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": build_formatter}},
            "filters": {"not_unavailable": {"()": lambda: _is_not_unavailable}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "json"}
            },
            "root": {"handlers": ["stderr"], "level": level.upper()},
            # A 4xx is the client's error, and its response says what is wrong.
            "loggers": {
                "django.request": {"level": "ERROR", "filters": ["not_unavailable"]},
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
