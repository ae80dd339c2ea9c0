"""Which addresses are whose: a member may first have signed up by e-mail alone."""

from allauth.account.models import EmailAddress
from django.db.models import Q
from django.db.models.functions import Lower

from portal.accounts.models import User


def addresses_of(user: User) -> list[str]:
    """The member's verified addresses, in lower case."""
    found = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return sorted({email.lower() for email in found})


def member_with(email: str) -> User | None:
    """The member who has verified ``email``."""
    found = EmailAddress.objects.filter(email__iexact=email, verified=True, user__is_active=True)
    address = found.select_related("user").first()
    return address.user if address else None


def rows_of(user: User) -> Q:
    """Finds a member's rows, also those made with one of their verified addresses before they signed in."""
    verified = EmailAddress.objects.filter(user=user, verified=True)
    return Q(user=user) | Q(user=None, email__in=verified.values(address=Lower("email")))
