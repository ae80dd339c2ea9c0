"""What the vHBA wizard shows for one address: the host, its ports, the form, and the plan once all is chosen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from labtools.labhost import npiv
from labtools.models import VhbaTrial
from labtools.npiv_forms import MAX_OWN_PORTS, OWN, WizardForm
from labtools.queries import fibre_channel
from labtools.queries.fibre_channel import FibreHost
from portal.missing import Missing

#: Parameters of the wizard that are not fields of its form.
HOST, PORT, GENERATE = "host", "port", "generate"
#: The libvirt that first took a parent by its WWNN and WWPN.
BY_WWN_SINCE = (3, 0, 0)


class FibreHostNotFound(Missing):
    """The address names no host whose ports this person may see, or ports that are none."""

    parameters = (HOST, PORT)


@dataclass(frozen=True)
class PortRow:
    """One port of the host in the table of choices, or a vHBA with what destroying it would take away."""

    hba: npiv.Hba
    cautions: tuple[npiv.Caution, ...]
    pools: tuple[str, ...]
    back: tuple[npiv.Step, ...]

    @property
    def is_stopped(self) -> bool:
        """Whether a plan with it would fail."""
        return any(caution.severity is npiv.Severity.STOP for caution in self.cautions)


@dataclass(frozen=True)
class WizardPage:
    """One state of the wizard."""

    hosts: tuple[FibreHost, ...]
    host: FibreHost | None
    is_own: bool
    survey: npiv.FibreSurvey
    hbas: tuple[PortRow, ...]
    vhbas: tuple[PortRow, ...]
    form: WizardForm
    plan: npiv.Plan | None
    hidden: tuple[tuple[str, str], ...]
    """Parameters that the form carries along: the host, and the ports of one's own."""

    @property
    def slug(self) -> str:
        """The host as the address names it."""
        return OWN if self.is_own else self.host.host.slug if self.host else ""

    @property
    def taken_at(self) -> datetime | None:
        """When the host was asked; ``None`` for one's own."""
        return self.host.taken_at if self.host else None

    @property
    def may_try(self) -> bool:
        """Whether "Try it" is offered: there is a plan, for libvirt's test driver."""
        return self.plan is not None and self.host is not None and self.host.is_demonstration


def wizard_page(user: object, query: QueryDict) -> WizardPage:
    """The wizard for ``query``; 404 for a host that ``user`` may not see. At most two queries."""
    hosts = fibre_channel.fibre_hosts(user)
    is_own = query.get(HOST) == OWN
    host = None if is_own else _host(hosts, query.get(HOST, ""))
    ports = query.getlist(PORT)[:MAX_OWN_PORTS] if is_own else []
    survey = _own_survey(ports) if is_own or host is None else host.survey
    used = fibre_channel.names_in_use(hosts)
    if is_own:
        used |= survey.uses("your host")
    form = _form(query, survey, used)
    plan = npiv.make_plan(form.choice, survey) if form.is_bound and form.is_valid() and form.choice else None
    hidden = [(HOST, OWN if is_own else host.host.slug if host else "")] + [(PORT, port) for port in ports]
    return WizardPage(
        hosts=hosts,
        host=host,
        is_own=is_own,
        survey=survey,
        hbas=tuple(_hba_row(hba, survey) for hba in survey.hbas),
        vhbas=tuple(_vhba_row(vhba, survey) for vhba in survey.vhbas),
        form=form,
        plan=plan,
        hidden=tuple(hidden),
    )


def _host(hosts: tuple[FibreHost, ...], slug: str) -> FibreHost | None:
    if not slug:
        return hosts[0] if hosts else None
    for one in hosts:
        if one.host.slug == slug:
            return one
    raise FibreHostNotFound("There is no host of that name whose Fibre Channel ports you may see.")


def _own_survey(ports: list[str]) -> npiv.FibreSurvey:
    try:
        return npiv.survey_ports([npiv.unpack_hba(text) for text in ports])
    except npiv.PasteError as error:
        raise FibreHostNotFound(str(error)) from None


def _form(query: QueryDict, survey: npiv.FibreSurvey, used: dict[str, npiv.Use]) -> WizardForm:
    """Bound once names were sent; before that the form shows what would be taken."""
    values = dict(npiv.DEFAULTS) | {"hba": _default_hba(survey), "parent_by": _default_parent_by(survey)}
    values |= {name: str(value) for name, value in query.items() if value}
    is_sent = "wwnn" in query or "wwpn" in query
    return WizardForm(values, survey, used) if is_sent else WizardForm(None, survey, used, initial=values)


def _default_hba(survey: npiv.FibreSurvey) -> str:
    """The first that nothing speaks against, else the first."""
    for hba in survey.hbas:
        if not any(caution.severity is npiv.Severity.STOP for caution in npiv.hba_cautions(hba, survey)):
            return hba.key
    return survey.hbas[0].key if survey.hbas else ""


def _default_parent_by(survey: npiv.FibreSurvey) -> str:
    parts = survey.libvirt_version.split(".")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        version = tuple(int(part) for part in parts)
        if (0, 0, 0) < version < BY_WWN_SINCE:
            return npiv.ParentBy.NAME
    return npiv.ParentBy.WWN


def _hba_row(hba: npiv.Hba, survey: npiv.FibreSurvey) -> PortRow:
    pools = tuple(pool.name for pool in survey.pools_on(hba))
    return PortRow(hba, tuple(npiv.hba_cautions(hba, survey)), pools, ())


def _vhba_row(vhba: npiv.Hba, survey: npiv.FibreSurvey) -> PortRow:
    pools = survey.pools_on(vhba)
    try:
        back = npiv.teardown_of(vhba, npiv.parse_wwn(vhba.wwpn), pools)
    except npiv.WwnError:
        back = ()
    names = tuple(pool.name for pool in pools)
    return PortRow(vhba, npiv.destroy_cautions(vhba, survey), names, back)


def with_new_names(query: QueryDict) -> str:
    """The query string of the wizard with a new WWNN and WWPN that no host of the lab has."""
    used = set(fibre_channel.every_name())
    used |= npiv.survey_ports(_own_survey(query.getlist(PORT)[:MAX_OWN_PORTS]).hbas).uses().keys()
    wwnn = npiv.generate_wwn(used)
    wwpn = npiv.generate_wwn(used | {wwnn.digits})
    changed = query.copy()
    changed.pop(GENERATE, None)
    changed["wwnn"], changed["wwpn"] = wwnn.digits, wwpn.digits
    return changed.urlencode()


def own_query(survey: npiv.FibreSurvey) -> str:
    """The query string of the wizard for pasted ports, at most :data:`MAX_OWN_PORTS`, HBAs first."""
    ports = (*survey.hbas, *survey.vhbas)[:MAX_OWN_PORTS]
    return urlencode([(HOST, OWN), *((PORT, npiv.pack_hba(port)) for port in ports)])


def page_json(page: WizardPage) -> dict[str, Any]:
    """The same as data: the ports, what is wrong with the fields, the plan."""
    return {
        "host": page.slug,
        "taken_at": page.taken_at.isoformat() if page.taken_at else None,
        "libvirt_version": page.survey.libvirt_version,
        "ports": [_port_json(row) for row in (*page.hbas, *page.vhbas)],
        "faults": {field: list(errors) for field, errors in page.form.errors.items()},
        "plan": npiv.plan_json(page.plan) if page.plan else None,
    }


def _port_json(row: PortRow) -> dict[str, Any]:
    hba = row.hba
    return {
        "name": hba.name,
        "kind": "vhba" if hba.is_vhba else "hba",
        "parent": hba.parent,
        "wwnn": hba.wwnn,
        "wwpn": hba.wwpn,
        "fabric_wwn": hba.fabric_wwn,
        "is_npiv_capable": hba.is_npiv_capable,
        "vports": hba.vports,
        "max_vports": hba.max_vports,
        "port_state": hba.port_state,
        "pools": list(row.pools),
        "cautions": [caution.sentence for caution in row.cautions],
    }


PORT_COLUMNS = (
    "name",
    "kind",
    "parent",
    "wwnn",
    "wwpn",
    "fabric_wwn",
    "vports",
    "max_vports",
    "port_state",
    "pools",
)


def port_rows(page: WizardPage) -> list[list[str]]:
    """The ports as a table, in the order of :data:`PORT_COLUMNS`."""
    found = []
    for row in (*page.hbas, *page.vhbas):
        port = _port_json(row) | {"pools": " ".join(row.pools)}
        found.append(["" if port[name] is None else str(port[name]) for name in PORT_COLUMNS])
    return found


def trial_query(trial: VhbaTrial) -> str:
    """The query string of the wizard with the plan of ``trial`` (for the demonstration host)."""
    hba = npiv.unpack_hba(trial.parent)
    fields = {name: value for name, value in trial.fields.items() if isinstance(value, str)}
    return urlencode({"hba": hba.key, **fields})
