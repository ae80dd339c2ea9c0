"""The wizard for vHBAs: one form, sent by GET, so that its address is the link to the plan."""

from collections.abc import Mapping
from typing import Any

from django import forms

from labtools.labhost import npiv

#: What the wizard calls a host that somebody pasted instead of choosing one of the lab's.
OWN = "own"
MAX_OWN_PORTS = 16


class WizardForm(forms.Form):
    """Every step but the host. ``survey`` are the ports to choose from, ``used`` the names in use.

    Valid, it has :attr:`choice`. The parts of a plan are checked by ``labhost.npiv`` and not here.
    """

    hba = forms.ChoiceField(label="Parent HBA", widget=forms.RadioSelect)
    parent_by = forms.ChoiceField(
        label="Name the parent in the documents by",
        choices=[
            (npiv.ParentBy.WWN, "Its WWNN and WWPN: the same HBA after each boot"),
            (npiv.ParentBy.FABRIC, "Its fabric: any HBA there that can"),
            (npiv.ParentBy.NAME, "scsi_hostN: only for libvirt before 3.0.0"),
        ],
    )
    wwnn = forms.CharField(
        label="WWNN of the vHBA",
        max_length=64,
        error_messages={"required": "Type a WWNN or have one generated."},
    )
    wwpn = forms.CharField(
        label="WWPN of the vHBA",
        max_length=64,
        error_messages={"required": "Type a WWPN or have one generated."},
    )
    lifetime = forms.ChoiceField(
        label="How long shall the vHBA live?",
        widget=forms.RadioSelect,
        choices=[
            (npiv.Lifetime.PERSISTENT, "Persistent: a storage pool makes it at each start"),
            (npiv.Lifetime.TRANSIENT, "Transient: a node device, gone after the next boot"),
        ],
    )
    pool = forms.CharField(label="Name of the storage pool", required=False, max_length=200)
    lun_by = forms.ChoiceField(
        label="The disk names the LUN by",
        required=False,
        choices=[
            ("", "What fits: volume with a pool, path without"),
            (npiv.LunBy.VOLUME, "Volume of the pool"),
            (npiv.LunBy.PATH, "Path of the block device"),
        ],
    )
    volume = forms.CharField(
        label="Volume", required=False, max_length=64, help_text="As <code>virsh vol-list</code> shows it."
    )
    path = forms.CharField(
        label="Path",
        required=False,
        max_length=300,
        help_text="By-path, by-id or mapper: a name that stays.",
    )
    device = forms.ChoiceField(
        label="The guest gets",
        widget=forms.RadioSelect,
        choices=[
            (npiv.DeviceKind.DISK, "A disk: QEMU answers the guest's SCSI commands"),
            (npiv.DeviceKind.LUN, "The LUN: the guest's SCSI commands are passed through"),
        ],
    )
    bus = forms.ChoiceField(
        label="Bus",
        choices=[(npiv.Bus.SCSI, "scsi (virtio-scsi)"), (npiv.Bus.VIRTIO, "virtio (virtio-blk)")],
        help_text="The LUN wants scsi: QEMU 9.1 and later pass no SCSI commands through virtio-blk.",
    )
    guest = forms.CharField(label="Name of the guest", required=False, max_length=200)
    target = forms.CharField(
        label="Name of the disk in the guest's XML",
        required=False,
        max_length=10,
        help_text="Empty: <code>sda</code> on scsi, <code>vda</code> on virtio.",
    )

    def __init__(
        self,
        data: Mapping[str, str] | None,
        survey: npiv.FibreSurvey,
        used: Mapping[str, npiv.Use],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.survey, self.used = survey, used
        self.choice: npiv.Choice | None = None
        choices = [(hba.key, hba.name) for hba in survey.hbas]
        self.fields["hba"] = forms.ChoiceField(
            label="Parent HBA",
            choices=choices,
            widget=forms.RadioSelect,
            error_messages={
                "required": "Choose an HBA.",
                "invalid_choice": "That HBA is not on this host any more.",
            },
        )
        self.order_fields(["hba"])
        for name in ("wwnn", "wwpn", "path", "volume", "pool", "guest", "target"):
            self.fields[name].widget.attrs |= {
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
            }
        for name in ("wwnn", "wwpn", "path", "volume"):
            self.fields[name].widget.attrs["class"] = "mono"
        for name, found in (("path", survey.paths), ("volume", survey.volumes)):
            if found:
                self.fields[name].widget.attrs["list"] = f"{name}s-found"

    def clean(self) -> dict[str, Any]:
        """Make the choice, or tell each fault at its field."""
        cleaned = super().clean() or {}
        parent = self.survey.find(cleaned.get("hba", ""))
        if parent is None:
            return cleaned
        fields = {name: str(cleaned[name]) for name in (*npiv.DEFAULTS, "wwnn", "wwpn") if cleaned.get(name)}
        self.choice, faults = npiv.make_choice(parent, fields, self.used)
        for fault in faults:
            if fault.field not in self.errors:
                self.add_error(fault.field, fault.sentence)
        return cleaned


class PasteForm(forms.Form):
    """The XML of the ports of one's own host."""

    xml = forms.CharField(
        label="Output of virsh nodedev-dumpxml",
        strip=False,
        max_length=npiv.MAX_PASTE,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "mono", "spellcheck": "false", "autocomplete": "off"}
        ),
        error_messages={"required": "Paste what virsh nodedev-dumpxml printed."},
    )

    def clean_xml(self) -> npiv.FibreSurvey:
        """The ports in the paste."""
        try:
            return npiv.survey_paste(self.cleaned_data["xml"])
        except npiv.PasteError as error:
            raise forms.ValidationError(str(error)) from None
