"""Fibre Channel across the lab: the ports of the hosts that a person may see, and every name that is in use."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from labtools.labhost import npiv
from labtools.models import LabHost
from labtools.queries import inventories

_surveys: dict[str, npiv.FibreSurvey] = {}


@dataclass(frozen=True)
class FibreHost:
    """A host whose inventory a person may see, and what it says about Fibre Channel."""

    host: LabHost
    taken_at: datetime
    survey: npiv.FibreSurvey

    @property
    def is_demonstration(self) -> bool:
        """Whether plans can be tried on it: it is libvirt's test driver."""
        return self.host.transport == LabHost.Transport.DEMONSTRATION


def fibre_hosts(user: object) -> tuple[FibreHost, ...]:
    """The hosts whose inventory ``user`` may see, the demonstration first. At most two queries."""
    found = inventories.host_inventories(user)
    surveys = _survey_all([one.digest for one in found])
    return tuple(
        FibreHost(one.host, one.taken_at, surveys[one.digest]) for one in found if one.digest in surveys
    )


def names_in_use(hosts: tuple[FibreHost, ...]) -> dict[str, npiv.Use]:
    """Every WWN of these hosts, and where it is in use."""
    found: dict[str, npiv.Use] = {}
    for one in hosts:
        for name, use in one.survey.uses(one.host.name).items():
            found.setdefault(name, use)
    return found


def every_name() -> frozenset[str]:
    """Every WWN of every host, whoever may see it: only to keep new names away from them. At most two queries."""
    surveys = _survey_all(inventories.all_digests())
    return frozenset(name for survey in surveys.values() for name in survey.uses())


def _survey_all(digests: Iterable[str]) -> dict[str, npiv.FibreSurvey]:
    wanted = set(digests)
    found = {digest: kept for digest in wanted if (kept := _surveys.get(digest))}
    read = {
        digest: npiv.survey(contents)
        for digest, contents in inventories.contents(wanted - found.keys()).items()
    }
    inventories.keep(_surveys, read)
    return found | read
