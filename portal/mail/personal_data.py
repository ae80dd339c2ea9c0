"""What the outbox keeps about a member: the mail to them, and the kinds they switched off."""

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Q

from portal.accounts.models import User
from portal.mail.models import OptOut, OutboxMessage


def export_mail(user: User) -> dict[str, Any]:
    """Every mail to the member that is still kept, and what they do not want to receive."""
    addresses = _addresses(user)
    return {
        "mails": list(
            OutboxMessage.objects.filter(_to(user, addresses))
            .order_by("pk")
            .values("kind", "to_email", "subject", "text_body", "state", "created_at", "sent_at")
        ),
        "switched_off": list(
            OptOut.objects.filter(Q(user=user) | Q(email__in=addresses))
            .order_by("pk")
            .values("kind", "created_at")
        ),
    }


def erase_mail(user: User) -> None:
    """Remove the mail to the member's addresses, also what was sent before the address was known to be theirs."""
    addresses = _addresses(user)
    OutboxMessage.objects.filter(_to(user, addresses)).delete()
    OptOut.objects.filter(email__in=addresses).delete()


def _addresses(user: User) -> list[str]:
    """The member's own addresses in lower case; one that is not confirmed may be another person's."""
    own = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return sorted({user.email.lower(), *own})


def _to(user: User, addresses: list[str]) -> Q:
    found = Q(to_user=user)
    for address in addresses:
        found |= Q(to_user=None, to_email__iexact=address)
    return found
