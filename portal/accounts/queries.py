"""What a member sees about themself."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from portal.accounts.models import ApiToken, User

# The first that matches wins: Edge and Opera name Chrome too, Chrome names Safari too.
_BROWSERS = [
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrom(e|ium)/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"curl/", "curl"),
]
_SYSTEMS = [
    (r"iPhone|iPad", "iOS"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux", "Linux"),
    (r"FreeBSD|OpenBSD|NetBSD", "BSD"),
]


@dataclass(frozen=True)
class SignedInBrowser:
    """One session of a member."""

    pk: int
    browser: str
    ip: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


def name_browser(user_agent: str) -> str:
    """A User-Agent header in words that a person recognises, such as “Firefox on Linux”."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "A browser")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), "")
    return f"{browser} on {system}" if system else browser


def sessions_of(user: User, current_key: str | None) -> list[SignedInBrowser]:
    """The member's sessions that still open the door, the one in use first, then the latest seen.

    A session whose password hash is no longer the member's is dead although its row is there: Django refuses it.
    """
    tracked = list(UserSession.objects.filter(user=user).order_by("-last_seen_at"))
    rows = Session.objects.filter(
        session_key__in=[session.session_key for session in tracked], expire_date__gt=timezone.now()
    )
    alive = {row.session_key for row in rows if _opens_for(user, row.get_decoded())}
    found = [
        SignedInBrowser(
            pk=session.pk,
            browser=name_browser(session.user_agent),
            ip=session.ip,
            started_at=session.created_at,
            last_seen_at=session.last_seen_at,
            is_current=session.session_key == current_key,
        )
        for session in tracked
        if session.session_key in alive
    ]
    return sorted(found, key=lambda session: not session.is_current)


def _opens_for(user: User, data: dict[str, Any]) -> bool:
    """Whether Django would take a session with this content for ``user``."""
    if data.get(SESSION_KEY) != str(user.pk):
        return False
    given = data.get(HASH_SESSION_KEY, "")
    valid = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(given, one) for one in valid)


def export_account(user: User) -> dict[str, Any]:
    """What accounts keep about a member. Secrets (password, TOTP key, codes, tokens) are not handed out."""
    return {
        "profile": {
            "email": user.email,
            "display_name": user.display_name,
            "city": user.city,
            "time_zone": user.time_zone,
            "joined": user.date_joined,
            "last_sign_in": user.last_login,
            "staff": user.is_staff,
        },
        "email_addresses": list(
            EmailAddress.objects.filter(user=user).order_by("pk").values("email", "verified", "primary")
        ),
        "second_factors": [
            {"type": str(one.type), "name": str(one), "added": one.created_at, "last_used": one.last_used_at}
            for one in Authenticator.objects.filter(user=user).order_by("pk")
        ],
        "connected_accounts": list(
            SocialAccount.objects.filter(user=user)
            .order_by("pk")
            .values("provider", "uid", "date_joined", "last_login", "extra_data")
        ),
        "api_tokens": list(
            ApiToken.objects.filter(user=user)
            .order_by("pk")
            .values("name", "prefix", "created_at", "last_used_at", "expires_at")
        ),
        "sessions": list(
            UserSession.objects.filter(user=user)
            .order_by("pk")
            .values("ip", "user_agent", "created_at", "last_seen_at")
        ),
    }
