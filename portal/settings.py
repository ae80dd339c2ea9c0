"""All settings of the portal, read from the environment; nonsense stops the start.

Two modes. ``embedded`` (the default) is what ``bin/run`` starts on one machine: SQLite, a private Redis,
a mailbox page in place of an SMTP server, a secret key made once and kept under ``var/``. ``production``
takes nothing for granted: it refuses to start without its own secret key, hosts and site address.
``docs/operations.md`` lists every variable.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from portal.secret_key import load_or_make

django_stubs_ext.monkeypatch()  # lets ModelAdmin[User] and the like be written

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

MODE = env.str("PORTAL_MODE", "embedded", validate=validate.OneOf(["embedded", "production"]))
EMBEDDED = MODE == "embedded"
DEBUG = env.bool("DEBUG", False)
if DEBUG and not EMBEDDED:
    raise ImproperlyConfigured(
        "DEBUG must not be on when PORTAL_MODE=production: it shows settings to strangers."
    )

VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var"))).absolute()
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _required_in_production(name: str, embedded: str) -> str:
    """The variable ``name``; in the embedded default it may be missing, in production it may not."""
    value: str = env.str(name, embedded if EMBEDDED else "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} must be set when PORTAL_MODE=production (see docs/operations.md)."
        )
    return value


SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY and EMBEDDED:
    SECRET_KEY = load_or_make(VAR_DIR / "secret_key")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured(
        "SECRET_KEY must be set to at least 50 random characters when PORTAL_MODE=production "
        "(python -c 'import secrets; print(secrets.token_urlsafe(64))' makes one)."
    )
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])

HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000, validate=validate.Range(1, 65535))
SITE_URL = _required_in_production("SITE_URL", f"http://localhost:{PORT}").rstrip("/")
if not SITE_URL.startswith(("http://", "https://")) or (not EMBEDDED and not SITE_URL.startswith("https://")):
    raise ImproperlyConfigured("SITE_URL must be the portal's address, starting with https:// in production.")
_hosts = _required_in_production("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ALLOWED_HOSTS = [host.strip() for host in _hosts if host.strip()]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name hosts: with * anybody can forge links in mails.")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
# Addresses of proxies whose X-Forwarded-For is believed, for rate limits and logs.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0, validate=validate.Range(0, 5))

SITE_NAME = "Open Source Virtualization India"
# In the order of their starting content: articles show what the lab has.
ROOMS = ["events", "labtools", "kb"]

INSTALLED_APPS = [
    "portal",
    "portal.accounts",
    "portal.mail",
    "portal.search",
    *ROOMS,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "ninja",
    "rules",
    "template_partials",
]

MIDDLEWARE = [
    "portal.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.permissions_policy",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.private_pages",
    "portal.middleware.forget_on_sign_out",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.file_uploads.BoundFiles",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.no_nul",
    "portal.accounts.middleware.last_seen",
    "portal.accounts.middleware.time_zone",
    "portal.accounts.middleware.one_transaction",
    "portal.middleware.BusyDatabase",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
FORM_RENDERER = "portal.form_renderer.PortalFormRenderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.site",
            ],
        },
    }
]

# ------------------------------------------------------------------------------------------ database

DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.dj_db_url("DATABASE_URL", DATABASE_URL, conn_health_checks=True)
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction that will write asks for the lock at its start, where SQLite waits for it,
    # instead of half-way through, where it fails at once. WAL: readers and one writer do not block each other.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        " PRAGMA mmap_size=134217728; PRAGMA journal_size_limit=27103364; PRAGMA cache_size=2000;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = 0
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["CONN_MAX_AGE"] = 60
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")

# ------------------------------------------------------------------------------- broker, cache, tasks

REDIS_URL = env.str("REDIS_URL", f"unix://{VAR_DIR / 'redis.sock'}")
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")
CACHES = {
    "default": {
        "BACKEND": "portal.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portal",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

# Celery's name for a Redis behind a socket differs from redis-py's.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "mail"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 140_000  # KiB; a child that grew is replaced between two tasks
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 4 * 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "global_keyprefix": env.str("BROKER_PREFIX", "portal:"),
}
CELERY_TASK_PUBLISH_RETRY = False  # a row in the database is the promise; beat sends again what was not taken
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
WORKER_QUEUES = ["mail", "images", "labs"]
CELERY_TASK_ROUTES = {
    "labtools.tasks.*": {"queue": "images"},
    "labtools.labs.*": {"queue": "labs"},
    "portal.mail.tasks.*": {"queue": "mail"},
    "portal.search.tasks.*": {"queue": "mail"},
    "kb.tasks.*": {"queue": "mail"},
    "kb.labs.*": {"queue": "labs"},
}
BEAT_SECONDS = env.int("BEAT_SECONDS", 15, validate=validate.Range(1, 60))
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    f"pulse-{queue}": {
        "task": "portal.tasks.pulse",
        "schedule": BEAT_SECONDS,
        "args": [queue],
        "options": {"queue": queue, "expires": BEAT_SECONDS * 2},
    }
    for queue in WORKER_QUEUES
}
CELERY_BEAT_SCHEDULE["sweep-image-checks"] = {
    "task": "labtools.tasks.sweep_checks",
    "schedule": BEAT_SECONDS,
    "options": {"queue": "images", "expires": BEAT_SECONDS * 2},
}
CELERY_BEAT_SCHEDULE["sweep-vhba-trials"] = {
    "task": "labtools.labs.sweep_vhba_trials",
    "schedule": BEAT_SECONDS,
    "options": {"queue": "labs", "expires": BEAT_SECONDS * 2},
}
CELERY_BEAT_SCHEDULE["sweep-accounts"] = {
    "task": "portal.accounts.tasks.sweep_accounts",
    "schedule": 3600,
    "options": {"queue": "mail", "expires": 3600},
}
# Ends within half a minute: mails wait in the same queue, whose workers may reach the internet anyway.
CELERY_BEAT_SCHEDULE["check-resources"] = {
    "task": "events.tasks.check_resources",
    "schedule": 300,
    "options": {"queue": "mail", "expires": 300},
}
CELERY_BEAT_SCHEDULE["expire-offers"] = {
    "task": "events.tasks.expire_offers",
    "schedule": BEAT_SECONDS * 2,
    "options": {"queue": "mail", "expires": BEAT_SECONDS * 4},
}
CELERY_BEAT_SCHEDULE["reconfirm-due"] = {
    "task": "events.tasks.reconfirm_due",
    "schedule": 300,
    "options": {"queue": "mail", "expires": 300},
}
CELERY_BEAT_SCHEDULE["extend-series"] = {
    "task": "events.tasks.extend_series",
    "schedule": 6 * 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["sweep-ballots"] = {
    "task": "events.tasks.sweep_ballots",
    "schedule": 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["mail-rounds"] = {
    "task": "events.tasks.sweep_rounds",
    "schedule": BEAT_SECONDS * 2,
    "options": {"queue": "mail", "expires": BEAT_SECONDS * 4},
}
CELERY_BEAT_SCHEDULE["mail-clock"] = {
    "task": "events.tasks.send_by_the_clock",
    "schedule": 300,
    "options": {"queue": "mail", "expires": 300},
}
CELERY_BEAT_SCHEDULE["search-reconcile"] = {
    "task": "portal.search.tasks.reconcile",
    "schedule": 120,
    "options": {"queue": "mail", "expires": 120},
}
CELERY_BEAT_SCHEDULE["live-blocks"] = {
    "task": "kb.tasks.redraw_blocks",
    "schedule": 120,
    "options": {"queue": "mail", "expires": 120},
}
# Ends within half a minute, as check-resources does.
CELERY_BEAT_SCHEDULE["check-article-links"] = {
    "task": "kb.tasks.check_links",
    "schedule": 300,
    "options": {"queue": "mail", "expires": 300},
}
CELERY_BEAT_SCHEDULE["article-flags"] = {
    "task": "kb.tasks.raise_flags",
    "schedule": 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["sweep-article-checks"] = {
    "task": "kb.labs.sweep_checks",
    "schedule": BEAT_SECONDS * 4,
    "options": {"queue": "labs", "expires": BEAT_SECONDS * 8},
}
CELERY_BEAT_SCHEDULE["article-surroundings"] = {
    "task": "kb.tasks.refresh_surroundings",
    "schedule": 24 * 3600,
    "options": {"queue": "mail", "expires": 3600},
}
# Hourly, so that a worker who was away at eight makes up for it; the mails are one a day.
CELERY_BEAT_SCHEDULE["remind-reviewers"] = {
    "task": "kb.tasks.remind_reviewers",
    "schedule": 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["remove-unused-pictures"] = {
    "task": "kb.tasks.remove_unused_pictures",
    "schedule": 24 * 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["purge-deleted-articles"] = {
    "task": "kb.tasks.purge_deleted",
    "schedule": 6 * 3600,
    "options": {"queue": "mail", "expires": 3600},
}
CELERY_BEAT_SCHEDULE["sweep-uploads"] = {
    "task": "labtools.tasks.sweep_uploads",
    "schedule": 600,
    "options": {"queue": "images", "expires": 600},
}

# ------------------------------------------------------------------------------------------- accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "me"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_FORMS = {
    "login": "portal.accounts.forms.LoginForm",
    "signup": "portal.accounts.forms.SignupForm",
    "add_email": "portal.accounts.forms.AddEmailForm",
    "change_password": "portal.accounts.forms.ChangePasswordForm",
    "set_password": "portal.accounts.forms.SetPasswordForm",
    "reset_password": "portal.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "portal.accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "portal.accounts.forms.ReauthenticateForm",
}
# Beside allauth's own limits: forms that write, mail or reckon for somebody who is not signed in, or in bulk.
ACCOUNT_RATE_LIMITS = {
    "follow_by_email": "10/h/ip,3/h/key",
    "rsvp_by_email": "20/h/ip,5/h/key",
    "vote_by_email": "10/h/ip,3/h/key",
    "problem_report": "5/h/ip",
    "offer_to_help": "10/d/user",
    "propose_chapter": "3/d/user",
    "chapter_search": "60/h/user",
    "speaker_claim": "10/d/user",
    "propose_talk": "20/d/user",
    "trip_report": "10/d/user",
    "vhba_trial": "20/h/user",
    "kb_comment": "120/h/user",
    "kb_watch": "60/h/user",
    "kb_keep": "60/h/user",
    "kb_old_text": "120/m/ip",
    "vhba_paste": "60/h/ip",
    "lab_lint": "60/m/ip",
    "iso_paste": "60/h/ip",
    "kb_errors": "60/h/ip",
    "kb_save": "60/m/user",
    "kb_preview": "60/m/user",
    "kb_submit": "30/h/user",
    "kb_picture": "60/h/user",
    "kb_export": "30/h/ip",
    "kb_worked": "30/h/ip",
    "kb_question": "20/h/user",
}
SOCIALACCOUNT_ADAPTER = "portal.accounts.factors.ConnectionAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_LOGIN_ON_GET = False
# The person sees and confirms the address first; the row is then written by a POST, with its mail.
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_FORMS = {"signup": "portal.accounts.forms.SocialSignupForm"}
MFA_ADAPTER = "portal.accounts.factors.FactorAdapter"
MFA_FORMS = {
    "authenticate": "portal.accounts.forms.AuthenticateForm",
    "reauthenticate": "portal.accounts.forms.ReauthenticateByCodeForm",
    "activate_totp": "portal.accounts.forms.ActivateTOTPForm",
    "add_webauthn": "portal.accounts.passkey_forms.AddPasskeyForm",
    "edit_webauthn": "portal.accounts.passkey_forms.RenamePasskeyForm",
    "login_webauthn": "portal.accounts.passkey_forms.LoginByPasskeyForm",
    "authenticate_webauthn": "portal.accounts.passkey_forms.AuthenticateByPasskeyForm",
    "reauthenticate_webauthn": "portal.accounts.passkey_forms.ReauthenticateByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
# Browsers allow passkeys over plain HTTP on localhost only; that is the embedded default.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = EMBEDDED


def _social_app(prefix: str, **more: Any) -> list[dict[str, Any]]:
    """One allauth provider app when both keys of ``prefix`` are set; half a pair is a mistake worth stopping for."""
    client, secret = env.str(f"{prefix}_CLIENT_ID", ""), env.str(f"{prefix}_CLIENT_SECRET", "")
    if bool(client) != bool(secret):
        raise ImproperlyConfigured(f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET must be set together.")
    return [{"client_id": client, "secret": secret, **more}] if client else []


_oidc_server = env.str("OIDC_SERVER_URL", "")
_oidc_apps = _social_app(
    "OIDC",
    provider_id="oidc",
    name=env.str("OIDC_NAME", "OpenID Connect"),
    settings={"server_url": _oidc_server},
)
if bool(_oidc_apps) != bool(_oidc_server):
    raise ImproperlyConfigured("OIDC_SERVER_URL goes with OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.")
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "github": {"APPS": _social_app("GITHUB"), "SCOPE": ["user:email"]},
    "google": {"APPS": _social_app("GOOGLE"), "SCOPE": ["profile", "email"]},
    "openid_connect": {"APPS": _oidc_apps},
}
# Where a form may lead after it was sent: browsers hold redirects to the same rule (CSP form-action).
_sign_in_servers = [
    *(["https://github.com"] if SOCIALACCOUNT_PROVIDERS["github"]["APPS"] else []),
    *(["https://accounts.google.com"] if SOCIALACCOUNT_PROVIDERS["google"]["APPS"] else []),
    *(["{0.scheme}://{0.netloc}".format(urlsplit(_oidc_server))] if _oidc_apps else []),
]

# ----------------------------------------------------------------------------------------------- mail

# In the embedded default the outbox is shown as a mailbox page; with EMAIL_URL it is sent, in any mode.
EMAIL_URL = _required_in_production("EMAIL_URL", "mailbox://")
MAILBOX_PAGE = EMAIL_URL == "mailbox://"
if MAILBOX_PAGE:
    if not EMBEDDED:
        raise ImproperlyConfigured(
            "EMAIL_URL=mailbox:// shows every mail to whoever asks: embedded mode only."
        )
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
else:
    _email = env.dj_email_url("EMAIL_URL", EMAIL_URL)
    EMAIL_BACKEND = _email["EMAIL_BACKEND"]
    EMAIL_HOST, EMAIL_PORT = _email["EMAIL_HOST"], _email["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_USER"], _email["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email.get("EMAIL_USE_TLS", False), _email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _required_in_production("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <portal@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Waits between attempts double from this many seconds up to an hour; RFC 5321, 4.5.4.1 gives up after 4 to 5 days.
MAIL_RETRY_SECONDS = env.float("MAIL_RETRY_SECONDS", 30.0, validate=validate.Range(0.1, 3600))
MAIL_GIVE_UP_DAYS = env.int("MAIL_GIVE_UP_DAYS", 5, validate=validate.Range(3, 30))
# A claim this old belongs to a worker that stopped; an attempt is ended by force after half of it.
MAIL_STUCK_SECONDS = env.int("MAIL_STUCK_SECONDS", 600, validate=validate.Range(2, 24 * 3600))
MAIL_DUE_SECONDS = env.float("MAIL_DUE_SECONDS", 30.0, validate=validate.Range(0.1, 600))
MAIL_KEEP_DAYS = env.int("MAIL_KEEP_DAYS", 14, validate=validate.Range(1, 3650))
# News of a meetup to many waits this long, so that what an organizer changes twice is told once.
MAIL_SETTLE_SECONDS = env.float("MAIL_SETTLE_SECONDS", 300.0, validate=validate.Range(0, 24 * 3600))
CELERY_BEAT_SCHEDULE |= {
    "mail-due": {
        "task": "portal.mail.tasks.send_due",
        "schedule": MAIL_DUE_SECONDS,
        "options": {"queue": "mail", "expires": MAIL_DUE_SECONDS * 2},
    },
    "mail-erase-old": {
        "task": "portal.mail.tasks.erase_old",
        "schedule": 6 * 3600,
        "options": {"queue": "mail", "expires": 3600},
    },
}

# ------------------------------------------------------------------------------------------- meetups

# How long what people left is kept; the about page and docs/operations.md say the same to people.
FOLLOW_CONFIRM_DAYS = env.int("FOLLOW_CONFIRM_DAYS", 3, validate=validate.Range(1, 30))
REPORT_CLOSED_KEEP_DAYS = env.int("REPORT_CLOSED_KEEP_DAYS", 180, validate=validate.Range(1, 3650))
RSVP_ADDRESS_KEEP_DAYS = env.int("RSVP_ADDRESS_KEEP_DAYS", 30, validate=validate.Range(1, 3650))
ACT_KEEP_DAYS = env.int("ACT_KEEP_DAYS", 730, validate=validate.Range(30, 3650))
CELERY_BEAT_SCHEDULE["tend-chapters"] = {
    "task": "events.tasks.tend_chapters",
    "schedule": 3600,
    "options": {"queue": "mail", "expires": 3600},
}

# ------------------------------------------------------------------------------------------ image lab

UPLOAD_DIR = Path(env.str("UPLOAD_DIR", str(VAR_DIR / "uploads")))
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 50 * 1024**3, validate=validate.Range(1, 2**50))
UPLOAD_QUOTA_BYTES = env.int("UPLOAD_QUOTA_BYTES", 60 * 1024**3, validate=validate.Range(1, 2**50))
UPLOAD_EXPIRES_HOURS = env.int("UPLOAD_EXPIRES_HOURS", 24, validate=validate.Range(1, 24 * 30))
# A browser without JavaScript sends the whole file in one form, which cannot go on after a cut.
UPLOAD_FORM_MAX_BYTES = env.int("UPLOAD_FORM_MAX_BYTES", 1024**3, validate=validate.Range(1, 2**40))
# A connection that brings nothing for so long is given up, so that its sender can come back and go on.
UPLOAD_STALL_SECONDS = env.int("UPLOAD_STALL_SECONDS", 30, validate=validate.Range(1, 600))
REPORT_KEEP_DAYS = env.int("REPORT_KEEP_DAYS", 30, validate=validate.Range(1, 3650))
IMAGE_CHECK_SECONDS = env.int("IMAGE_CHECK_SECONDS", 600, validate=validate.Range(5, 6 * 3600))
IMAGE_CHECK_MEMORY_BYTES = env.int(
    "IMAGE_CHECK_MEMORY_BYTES", 2 * 1024**3, validate=validate.Range(2**27, 2**40)
)

# A check whose worker has been silent for this long is taken back and tried once more.
IMAGE_CHECK_STALE_SECONDS = env.int("IMAGE_CHECK_STALE_SECONDS", 60, validate=validate.Range(5, 3600))

# ------------------------------------------------------------------------------------------ lab hosts

# Private SSH keys of the labs workers, one file each, mode 0600; pages know their names only.
LAB_KEYS_DIR = Path(env.str("LAB_KEYS_DIR", str(VAR_DIR / "lab-keys")))
LAB_REFRESH_SECONDS = env.int("LAB_REFRESH_SECONDS", 3600, validate=validate.Range(10, 7 * 24 * 3600))
# labprobe ends itself after 35 seconds; the rest is for the way there and back.
LAB_PROBE_SECONDS = env.int("LAB_PROBE_SECONDS", 45, validate=validate.Range(1, 600))
LAB_CONNECT_SECONDS = env.int("LAB_CONNECT_SECONDS", 5, validate=validate.Range(1, 60))
# The first wait of a host that failed three times in a row; it doubles with each further failure.
LAB_RETRY_SECONDS = env.int("LAB_RETRY_SECONDS", 60, validate=validate.Range(1, 3600))
CELERY_BEAT_SCHEDULE["sweep-lab-hosts"] = {
    "task": "labtools.labs.sweep_hosts",
    "schedule": BEAT_SECONDS,
    "options": {"queue": "labs", "expires": BEAT_SECONDS * 2},
}
CELERY_BEAT_SCHEDULE["refresh-lab-catalogue"] = {
    "task": "labtools.labs.refresh_catalogue",
    "schedule": BEAT_SECONDS * 2,
    "options": {"queue": "labs", "expires": BEAT_SECONDS * 4},
}
CELERY_BEAT_SCHEDULE["sweep-lab-store"] = {
    "task": "labtools.labs.sweep_unused",
    "schedule": 24 * 3600,
    "options": {"queue": "labs", "expires": 3600},
}

# ------------------------------------------------------------------------------- files, text and time

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns where it is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = VAR_DIR / "media"  # served by views that ask who may see what, never as a folder
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
FILE_UPLOAD_HANDLERS = ["portal.file_uploads.FileBound"]  # takes none; a view says when it takes some

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Asia/Kolkata"
USE_I18N = True
USE_TZ = True

# ------------------------------------------------------------------------------------------- security

SECURE_SSL_REDIRECT = SITE_URL.startswith("https://") and env.bool("SECURE_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 0 if EMBEDDED else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not EMBEDDED
SECURE_HSTS_PRELOAD = not EMBEDDED
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if env.bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Two checkouts on one machine share the host name, and cookies know no port.
SESSION_COOKIE_NAME = env.str("SESSION_COOKIE_NAME", f"session_{PORT}" if EMBEDDED else "__Host-session")
CSRF_COOKIE_NAME = env.str("CSRF_COOKIE_NAME", f"csrf_{PORT}" if EMBEDDED else "__Host-csrf")
X_FRAME_OPTIONS = "DENY"
# Whom /.well-known/security.txt names: a URI, as RFC 9116 section 2.5.3 wants it.
SECURITY_CONTACT = env.str("SECURITY_CONTACT", f"{SITE_URL}/about/")
if not SECURITY_CONTACT.startswith(("https://", "mailto:", "tel:")) and not (
    EMBEDDED and SECURITY_CONTACT.startswith("http://")
):
    raise ImproperlyConfigured("SECURITY_CONTACT must be a URI such as mailto:security@example.org.")
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF, *_sign_in_servers],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# -------------------------------------------------------------------------------------------- logging

LOG_FORMAT = env.str("LOG_FORMAT", "text" if EMBEDDED else "json", validate=validate.OneOf(["text", "json"]))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "portal.logs.RequestIdFilter"},
        "route": {"()": "portal.logs.RouteFilter"},
        "periodic": {
            "()": "portal.logs.PeriodicTaskFilter",
            "names": [entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()],
        },
    },
    "formatters": {
        "json": {"()": "portal.logs.JsonFormatter"},
        "text": {"format": "%(levelname).1s %(name)s [%(request_id)s] %(message)s"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id", "route"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "INFO", "filters": ["periodic"]},
        "celery.app.trace": {"level": "INFO", "filters": ["periodic"]},
    },
}
