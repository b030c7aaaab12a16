"""Django settings, read from the environment. There is no other settings file."""

from datetime import timedelta
from pathlib import Path

import environ
from corsheaders.defaults import default_headers
from redis.backoff import NoBackoff
from redis.retry import Retry

from levered_site.admin import theme
from levered_site.api import cors
from levered_site.local import embedded
from levered_site.observability import logs, metric_files

env = environ.FileAwareEnv()  # NAME_FILE=/run/secrets/name works for every setting

BASE_DIR = Path(__file__).resolve().parent.parent
LEVERED_HOME = Path(env.str("LEVERED_HOME", default=str(BASE_DIR / ".levered")))
PORT = env.int("PORT", default=3100)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{PORT}").rstrip("/")

# --- secrets: from the environment, or generated once under LEVERED_HOME (mode 0600)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.load_or_create_secret(
    LEVERED_HOME, "secret_key", embedded.generate_secret_key
)
# The first key encrypts, all decrypt, so that keys can be rotated.
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[]) or [
    embedded.load_or_create_secret(
        LEVERED_HOME, "credential_key", embedded.generate_credential_key
    )
]

# Sign public policies. The first key signs, the public halves of all are published.
POLICY_SIGNING_KEYS = env.list("POLICY_SIGNING_KEYS", default=[]) or [
    embedded.load_or_create_secret(
        LEVERED_HOME, "policy_signing_key", embedded.generate_signing_key
    )
]

# --- stores
_embedded = embedded.build_addresses(LEVERED_HOME)
DATABASE_URL = env.str("DATABASE_URL", default=_embedded.database_url)
REDIS_URL = env.str("REDIS_URL", default=_embedded.redis_url)
DATABASES = {
    "default": env.db_url_config(DATABASE_URL)
    | {
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "TIME_ZONE": "UTC",
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
CACHES = {
    "default": {
        "BACKEND": "levered_site.api.cache_backend.CheckedRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "levered",
        # Short timeouts, because a hanging cache must not block requests. The retry
        # reconnects after a restart of the cache.
        "OPTIONS": {
            "serializer": "levered_site.api.cache_serializer.JsonSerializer",
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
            "retry": Retry(NoBackoff(), 1),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery
CELERY_BROKER_URL = env.str(
    "CELERY_BROKER_URL",
    default=embedded.build_broker_url(REDIS_URL)
    if "REDIS_URL" in env.ENVIRON
    else _embedded.broker_url,
)

# --- Django
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "levered_site.admin.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "levered_site",
    "levered_site.organizations",
    "warehouse",
    "metrics",
    "models_app",
    "optimizations",
]
MIDDLEWARE = [
    "levered_site.observability.prometheus.RequestMetricsMiddleware",
    "levered_site.api.compression.CompressionMiddleware",
    "levered_site.api.middleware.EnvelopeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "levered_site.admin.middleware.AdminMiddleware",
]
ROOT_URLCONF = "levered_site.urls"
WSGI_APPLICATION = "levered_site.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # searched before the apps': ours replace some of the admin's
        "DIRS": [BASE_DIR / "levered_site" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "levered_site.admin.formats"
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "levered_site.admin.csrf_failure.show_csrf_failure"
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "levered_site.static_files.VersionedFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # no collectstatic step is needed
# An upgrade changes the addresses that pages name, so browsers need not ask before.
WHITENOISE_MAX_AGE = 0 if DEBUG else int(timedelta(days=1).total_seconds())
# Screenshots and ingestion have the largest bodies (5 MB).
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# --- safety
# The probes of the supervisor, of a container and of a scraper on this machine use them.
# No page of another site can send them: a browser sends the host of the address.
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=["*"]), *LOOPBACK_HOSTS]
HTTPS = env.bool("HTTPS", default=PUBLIC_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SECURE_SSL_REDIRECT = (
    False  # the proxy redirects; serve must also answer plain HTTP behind it
)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains: other services may use them
    "security.W008",  # the proxy redirects to https, see above
    "security.W021",  # the preload list would bind the whole domain
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
# Public endpoints are left to EnvelopeMiddleware, which answers every origin.
CORS_URLS_REGEX = rf"^/(mcp$|api/v2/(?!{cors.PUBLIC_ROUTE_PATTERN}\Z))"
CORS_ALLOW_HEADERS = [
    *default_headers,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "prefer",
    "x-api-key",
]
CORS_EXPOSE_HEADERS = [
    "X-Request-Id",
    "ETag",
    "Location",
    "WWW-Authenticate",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    # Of answers as CSV: what `meta`, health and the next page are in JSON.
    "Content-Disposition",
    "Link",
    "X-As-Of",
    "X-Health",
    "X-Truncated",
    "X-Unavailable",
    "X-Warnings",
]

# --- authentication
CLERK_ISSUER = env.str("CLERK_ISSUER", default="").rstrip("/")
CLERK_JWKS_URL = env.str("CLERK_JWKS_URL", default="")
CLERK_PEM_KEY = env.str("CLERK_PEM_KEY", default="", multiline=True)
CLERK_AUTHORIZED_PARTIES = env.list("CLERK_AUTHORIZED_PARTIES", default=[])
CLERK_AUDIENCES = env.list("CLERK_AUDIENCES", default=[])
CLERK_LEEWAY_SECONDS = env.int("CLERK_LEEWAY_SECONDS", default=10)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
ADMIN_LOGINS = env.str("ADMIN_LOGINS", default="10/m")  # login attempts per IP

# --- limits
RATELIMIT_GLOBAL = env.str("RATELIMIT_GLOBAL", default="100/m")
RATELIMIT_SERVE = env.str("RATELIMIT_SERVE", default="300/m")
RATELIMIT_SERVE_KEY = env.str("RATELIMIT_SERVE_KEY", default="60000/m")
RATELIMIT_FAIL_OPEN = True  # django-ratelimit's: without the cache nothing is limited
RATELIMIT_INGEST = env.str("RATELIMIT_INGEST", default="6000/m")
RATELIMIT_TRACK = env.str("RATELIMIT_TRACK", default="300/m")
RATELIMIT_SHARED = env.str("RATELIMIT_SHARED", default="60/m")
NEW_USERS_PER_MINUTE = env.int("NEW_USERS_PER_MINUTE", default=60_000)
RECORD_CRAWLERS = env.bool("RECORD_CRAWLERS", default=False)
CRAWLER_USER_AGENTS = env.tuple("CRAWLER_USER_AGENTS", default=())  # more names
WAITING_REQUESTS = env.int("WAITING_REQUESTS", default=8)  # per web process
# The web server's, per web process.
WEB_CONNECTIONS = env.int("WEB_CONNECTIONS", default=4096)
WEB_CONNECTIONS_PER_ADDRESS = env.int("WEB_CONNECTIONS_PER_ADDRESS", default=256)
WEB_BODY_BYTES = env.int("WEB_BODY_BYTES", default=64 * 2**20)
WEB_DIRECT_ANSWERS = env.bool("WEB_DIRECT_ANSWERS", default=True)
WEB_REQUEST_SECONDS = env.float("WEB_REQUEST_SECONDS", default=10.0)
WEB_KEEP_ALIVE_SECONDS = env.int("WEB_KEEP_ALIVE_SECONDS", default=75)
WORKER_MEMORY_BYTES = env.int("WORKER_MEMORY_BYTES", default=350 * 10**6)
WEB_WRITE_SECONDS = env.float("WEB_WRITE_SECONDS", default=30.0)
SNAPSHOT_MEMORY_BYTES = env.int("SNAPSHOT_MEMORY_BYTES", default=96 * 2**20)
MAX_OPTIMIZATIONS = env.int("MAX_OPTIMIZATIONS", default=1000)
MAX_METRICS = env.int("MAX_METRICS", default=1000)
MAX_ASSIGNMENT_SOURCES = env.int("MAX_ASSIGNMENT_SOURCES", default=100)
MAX_API_KEYS = env.int("MAX_API_KEYS", default=200)
EVENT_BYTES_PER_DAY = env.int("EVENT_BYTES_PER_DAY", default=100 * 2**30)  # 0: no limit
SCREENSHOT_BYTES = env.int("SCREENSHOT_BYTES", default=2**30)
TRAIN_WAIT_SECONDS = env.float("TRAIN_WAIT_SECONDS", default=25.0)
QUERY_TIMEOUT_SECONDS = env.int("QUERY_TIMEOUT_SECONDS", default=30)
QUERY_ANSWER_BYTES = env.int("QUERY_ANSWER_BYTES", default=8_000_000)
QUERY_CHECK_SECONDS = env.float("QUERY_CHECK_SECONDS", default=5.0)
QUERY_CHECK_PROCESSES = env.int("QUERY_CHECK_PROCESSES", default=2)  # per process
QUERY_PROCESS_BYTES = env.int("QUERY_PROCESS_BYTES", default=512 * 2**20)
# Reaching a connected warehouse, and all that one request asks it, in seconds.
WAREHOUSE_CONNECT_SECONDS = env.int("WAREHOUSE_CONNECT_SECONDS", default=30)
WAREHOUSE_REQUEST_SECONDS = env.int("WAREHOUSE_REQUEST_SECONDS", default=60)
REFRESH_SECONDS = env.int("REFRESH_SECONDS", default=120)  # of GET …?refresh=true
# In place of the vendors' own addresses: a private link, a proxy, or an emulator.
SNOWFLAKE_ENDPOINT = env.str("SNOWFLAKE_ENDPOINT", default="")
BIGQUERY_ENDPOINT = env.str("BIGQUERY_ENDPOINT", default="")
# Of a metric or an assignment source, in units of Postgres' planner (a page read is 1).
QUERY_PLAN_COST = env.float("QUERY_PLAN_COST", default=1e9)
QUERY_MEMORY_MB = env.int(
    "QUERY_MEMORY_MB", default=16
)  # work_mem of the managed store
QUERY_DISK_MB = env.int("QUERY_DISK_MB", default=1024)  # temp_file_limit, likewise
CUBE_TIMEOUT_SECONDS = env.int("CUBE_TIMEOUT_SECONDS", default=600)
CUBE_ANSWER_BYTES = env.int("CUBE_ANSWER_BYTES", default=200_000_000)
CUBE_DISK_MB = env.int("CUBE_DISK_MB", default=8192)
# Of the two processes of the worker one is left for the other organizations.
TRAINING_SLOTS_PER_ORGANIZATION = env.int("TRAINING_SLOTS_PER_ORGANIZATION", default=1)
RETENTION_DAYS = env.int("RETENTION_DAYS", default=400)
POLICY_FIGURE_DAYS = env.int("POLICY_FIGURE_DAYS", default=90)
LATE_ARRIVAL_HOURS = env.int("LATE_ARRIVAL_HOURS", default=24)

# --- customers' own warehouses
# If off, loopback, link-local and private addresses are rejected, and TLS is required.
WAREHOUSE_ALLOW_PRIVATE = env.bool("WAREHOUSE_ALLOW_PRIVATE", default=False)
WAREHOUSE_CA_FILE = env.str("WAREHOUSE_CA_FILE", default="")
# BigQuery: bytes read by one query, and by an organization's queries in a day (UTC).
BIGQUERY_BYTES_PER_QUERY = env.int("BIGQUERY_BYTES_PER_QUERY", default=200 * 2**30)
BIGQUERY_BYTES_PER_DAY = env.int("BIGQUERY_BYTES_PER_DAY", default=2 * 2**40)
# Called in the transaction in which the warehouse of an organization changes.
WAREHOUSE_LISTENERS = ["optimizations.configuration.regimes.open_regimes_if_changed"]
# Called before a metric changes; they raise if the change is not allowed.
METRIC_GUARDS = ["optimizations.configuration.metric_guard.refuse_metric_change"]
# Called in the transaction in which what a metric counts, or its direction, changes.
METRIC_LISTENERS = [
    "optimizations.configuration.regimes.open_regimes_of_metric",
    "optimizations.configuration.past_violations.end_by_redefining",
]

# --- optimizations
# Called before one ships without a confirmation; they raise if it needs one.
SHIP_GUARDS = ["optimizations.results.health.ship_guard.refuse_unhealthy"]
# Called after them, before results freeze.
SHIP_PREPARATIONS = ["optimizations.training.relearning.learn_changed_variants"]
# Called after variants changed, and after shipping or undoing it.
SERVED_CHANGES = ["optimizations.results.readings.published_day.republish_today"]

# --- the API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "levered_site.organizations.authentication.CallerAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["levered_site.organizations.permissions.IsMember"],
    "DEFAULT_RENDERER_CLASSES": ["levered_site.api.renderers.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["levered_site.api.parsers.OrjsonParser"],
    "DEFAULT_THROTTLE_CLASSES": [
        "levered_site.api.throttles.IpThrottle",
        "levered_site.api.throttles.KeyThrottle",
    ],
    "DEFAULT_PAGINATION_CLASS": "levered_site.api.pagination.KeysetPagination",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "levered_site.api.renderers.EnvelopeNegotiation",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,  # `Accept` alone chooses
    "DEFAULT_SCHEMA_CLASS": "levered_site.api.openapi.EnvelopeSchema",
    "EXCEPTION_HANDLER": "levered_site.api.exceptions.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Levered API",
    "VERSION": "2",
    "OAS_VERSION": "3.1.1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "COMPONENT_SPLIT_REQUEST": True,
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "POSTPROCESSING_HOOKS": ["levered_site.api.openapi.complete_document"],
}
UNFOLD = theme.UNFOLD
LOGGING_CONFIG = None
metric_files.allocate_metric_files()
logs.configure_logging(level=env.str("LOG_LEVEL", default="INFO"))
