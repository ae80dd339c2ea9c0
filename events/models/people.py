"""Somebody who follows, votes or comes: a member, or only an e-mail address that its owner has confirmed."""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.accounts.models import User

#: Letters and digits that are not mistaken for one another when read aloud or typed at a door.
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_code() -> str:
    """Ten characters that nobody guesses (49 bits) and that can be read aloud; for check-in."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(10))


@dataclass(frozen=True)
class Person:
    """Who acts: ``user`` for a member, otherwise ``email`` (lower case) and the name that they gave."""

    user: User | None = None
    email: str = ""
    name: str = ""

    @classmethod
    def of(cls, user: User) -> "Person":
        """A member."""
        return cls(user=user)

    @property
    def fields(self) -> dict[str, object]:
        """Values for a row of :class:`OfPerson`: a member's address and name are those of the account."""
        if self.user:
            return {"user": self.user, "email": "", "name": ""}
        return {"user": None, "email": self.email.lower(), "name": self.name}

    @property
    def key(self) -> Q:
        """Finds the rows of this person."""
        return Q(user=self.user) if self.user else Q(user=None, email=self.email.lower())


class OfPerson(models.Model):
    """A row of one person: a member, or the owner of an address without an account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    email = models.EmailField(blank=True, help_text="In lower case; empty for a member.")
    name = models.CharField(max_length=80, blank=True, help_text="As they gave it; empty for a member.")

    class Meta:
        abstract = True

    @property
    def person(self) -> Person:
        """Whose row it is."""
        return Person(self.user, self.email, self.name)

    @property
    def shown_name(self) -> str:
        """What others read; never the e-mail address."""
        return self.user.name if self.user else self.name or "A guest"

    @property
    def address(self) -> str:
        """Where mail goes."""
        return self.user.email if self.user else self.email


def of_somebody(name: str) -> models.CheckConstraint:
    """A constraint: the row is of a member, or of an address, and not of both."""
    return models.CheckConstraint(
        condition=Q(user__isnull=False, email="") | (Q(user__isnull=True) & ~Q(email="")), name=name
    )


def once(name: str, *scope: str) -> list[models.BaseConstraint]:
    """Constraints: each member, and each address, has at most one row within ``scope``."""
    return [
        models.UniqueConstraint(
            fields=[*scope, "user"], condition=Q(user__isnull=False), name=f"{name}_of_member"
        ),
        models.UniqueConstraint(
            fields=[*scope, "email"], condition=Q(user__isnull=True), name=f"{name}_of_address"
        ),
    ]
