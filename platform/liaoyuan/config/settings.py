"""Django's settings, all derived from :mod:`liaoyuan.config.environment`."""

from typing import Any
from urllib.parse import unquote, urlsplit

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.config.environment import ROOT, environment, local_secret
from liaoyuan.config.single_sign_on import oidc_origins, oidc_providers

ENV = environment()
VAR = ENV.var
ADDRESSES = engine_addresses(VAR)

SECRET_KEY = ENV.secret_key.get_secret_value() or local_secret(VAR, "django_key")
KEY_PEPPER = ENV.key_pepper.get_secret_value() or local_secret(VAR, "key_pepper")
DEBUG = ENV.debug
PRODUCTION = ENV.mode == "production"
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",") if host.strip()]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in ENV.trusted_origins.split(",") if origin.strip()]

INSTALLED_APPS = [
    "liaoyuan.accounts",
    "liaoyuan.industry",
    "liaoyuan.pipeline",
    "liaoyuan.knowledge",
    "liaoyuan.compute",
    "liaoyuan.data",
    "liaoyuan.training",
    "liaoyuan.deployment",
    "liaoyuan.security",
    "liaoyuan.operations",
    "liaoyuan.portal",
    "liaoyuan.console",
    "liaoyuan.api",
    "ninja",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # allauth's page of sessions writes times with it.
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    # Last: it wires the others together when they are ready.
    "liaoyuan.config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "liaoyuan.accounts.adapters.activity.activity",
    "django_htmx.middleware.HtmxMiddleware",
    "liaoyuan.portal.shell.middleware.preferences",
    "axes.middleware.AxesMiddleware",
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "liaoyuan.accounts.adapters.login.InvitedOnly"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = None
# Who tries one account is axes' affair, with a page that says for how long; this is for who tries many accounts.
# A whole hospital may sign in from behind one address at the change of shift: allauth's 30 a minute would lock it out.
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip", "login": "600/m/ip"}
ALLAUTH_TRUSTED_PROXY_COUNT = ENV.trusted_proxies
SOCIALACCOUNT_ADAPTER = "liaoyuan.accounts.adapters.oidc.MembersOnly"
# A link on somebody else's page must not begin a sign-in.
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_PROVIDERS = oidc_providers(ENV)
OIDC_TRUST_EMAIL = ENV.oidc_trust_email
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "liaoyuan.accounts.adapters.login.locked_out"
AXES_CLIENT_IP_CALLABLE = "liaoyuan.accounts.adapters.login.client_address"
AXES_USERNAME_CALLABLE = "liaoyuan.accounts.adapters.login.attempted_address"
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if ENV.email_host else 'dummy'}.EmailBackend"
EMAIL_HOST = ENV.email_host
EMAIL_PORT = ENV.email_port
EMAIL_HOST_USER = ENV.email_user
EMAIL_HOST_PASSWORD = ENV.email_password.get_secret_value()
EMAIL_USE_TLS = ENV.email_tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.email_from
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"

ROOT_URLCONF = "liaoyuan.config.urls"
ASGI_APPLICATION = "liaoyuan.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            # Cotton's turns <c-button> into a tag as it reads a file; it finds files as the two behind it do.
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                ),
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "django_cotton.templatetags.cotton",
                "liaoyuan.portal.shell.tags",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "liaoyuan.portal.shell.context.shell",
            ],
        },
    },
]

# A component sees what it is given and what every page has, never the variables around it.
COTTON_ISOLATE_BY_DEFAULT = True
COTTON_BASE_DIR = ROOT


def _database(role: str, url: str) -> dict[str, Any]:
    """One alias: the operator's URL, or the embedded engine's socket with that role."""
    options: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "ATOMIC_REQUESTS": False,
    }
    if not url:
        return options | ADDRESSES.database(role)
    parts = urlsplit(url)
    return options | {
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }


# Three roles: the application is under row-level security; the system role has policies of its own for the few
# cross-tenant jobs (relay, reaper, key look-up); the owner only migrates.
DATABASES = {
    "default": _database("liaoyuan_app", ENV.database_url),
    "system": _database("liaoyuan_system", ENV.database_system_url),
    "owner": _database("liaoyuan_owner", ENV.database_owner_url),
}
DATABASE_ROUTERS = ["liaoyuan.accounts.routers.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENV.redis_url or ADDRESSES.redis_url
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ADDRESSES.cache_url}}
if ENV.redis_url:
    CACHES["default"]["LOCATION"] = ENV.redis_url

CELERY_BROKER_URL = ENV.redis_url or ADDRESSES.broker_url
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_DEFAULT_QUEUE = "light"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TIMEZONE = "UTC"

MODEL_SERVER_URL = ENV.model_server_url or ADDRESSES.model_server_url
MODEL_SERVER_TOKEN = ENV.model_server_token.get_secret_value() or local_secret(VAR, "model_server_token")
CHAT_URL = ENV.chat_url
CHAT_MODEL = ENV.chat_model
CHAT_API_KEY = ENV.chat_api_key.get_secret_value()
EMBEDDERS = ENV.embedders
RERANKERS = ENV.rerankers
# (organization or *, folder) pairs, endpoints and hosts that collections may be synchronized with.
SOURCE_FOLDERS = [
    (who.strip(), root.strip())
    for who, _, root in (each.partition("=") for each in ENV.source_folders.split(";") if each.strip())
]
SOURCE_S3_ENDPOINTS = [each.strip().rstrip("/") for each in ENV.source_s3_endpoints.split(",") if each.strip()]
SOURCE_WEB_HOSTS = [each.strip().lower() for each in ENV.source_web_hosts.split(",") if each.strip()]
SOURCE_FILE_MB = ENV.source_file_mb
RAY_URL = ENV.ray_url
RAY_TOKEN = ENV.ray_token.get_secret_value()

LEASE_SECONDS = ENV.lease_seconds
HEARTBEAT_SECONDS = ENV.heartbeat_seconds
REAPER_SECONDS = ENV.reaper_seconds
RELAY_SECONDS = ENV.relay_seconds
WORKER_STUCK_SECONDS = ENV.worker_stuck_seconds
API_LIMITS = {
    "read": ENV.api_reads_per_minute,
    "write": ENV.api_writes_per_minute,
    "ask": ENV.api_asks_per_minute,
    "open": ENV.api_strangers_per_minute,
}

LANGUAGE_CODE = ENV.language
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
# One catalogue an area of the interface; none is large, and two people seldom edit the same one.
LOCALE_PATHS = sorted((ROOT / "templates" / "locale").iterdir())
TIME_ZONE = ENV.time_zone
USE_TZ = True

STATIC_URL = "/static/"
# Served from where the build and the apps hold them (portal.shell.assets): nothing is collected before a start.
STATIC_ROOT = None
STATICFILES_DIRS = [ROOT / "static"] if (ROOT / "static").is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR / "storage"}},
    "staticfiles": {"BACKEND": "liaoyuan.portal.shell.assets.VersionedStorage"},
}
MEDIA_ROOT = VAR / "storage"
INDUSTRY_FOLDERS = [ROOT / "industries", VAR / "industries"]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
# A week where somebody asked to be remembered; else until the browser closes.
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # Browsers hold a form's redirects to this too: single sign-on begins with one.
        "form-action": ["'self'", *oidc_origins(ENV)],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# The largest single document that people may send; parsing has a bound of its own (256 MiB).
UPLOAD_FILE_BYTES = ENV.upload_file_mb << 20
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"liaoyuan": {"level": "INFO"}},
}
