"""The ISO doctor: which file on which host, sent by GET so that its address is a link, and the output."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from labtools.labhost import iso
from labtools.queries.inventories import HostInventory

#: The value of ``host`` for a machine that the lab does not know. No slug has it: see :func:`host_choices`.
OWN = "own"


def host_choices(hosts: Sequence[HostInventory]) -> list[tuple[str, str]]:
    """One's own host first, then those of the lab."""
    return [(OWN, "My own host"), *((one.host.slug, one.host.name) for one in hosts if one.host.slug != OWN)]


class QuestionForm(forms.Form):
    """Step 1. The host's name is checked by the page, which answers 404 for one that the person may not see."""

    path = forms.CharField(
        label="Path of the ISO file",
        # Room for blanks around it; iso.check_path counts bytes.
        max_length=2 * iso.MAX_PATH,
        strip=False,
        help_text="The whole path, on the machine where the guests run: <code>/srv/isos/debian.iso</code>",
        widget=forms.TextInput(
            attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
        ),
        error_messages={"required": "Please give the path of the ISO file."},
    )

    def __init__(self, data: Mapping[str, Any] | None, hosts: Sequence[HostInventory], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["host"] = forms.ChoiceField(label="On which machine", choices=host_choices(hosts))

    def clean_path(self) -> str:
        """The path in its tidy form."""
        try:
            return iso.check_path(self.cleaned_data["path"])
        except iso.PathRefused as refused:
            raise forms.ValidationError(str(refused)) from None


class OutputForm(forms.Form):
    """Step 3: what the commands printed. Valid, it has :attr:`diagnosis`."""

    output = forms.CharField(
        label="What the commands printed",
        strip=False,
        max_length=iso.MAX_PASTE,
        widget=forms.Textarea(
            attrs={"rows": 10, "class": "mono paste", "spellcheck": "false", "autocomplete": "off"}
        ),
        error_messages={"required": "Paste what the commands printed."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, path: str = "", **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.path = path
        self.facts: iso.Facts | None = None

    def clean_output(self) -> str:
        """Read the output; a path that does not fit it is told here too."""
        text: str = self.cleaned_data["output"]
        try:
            self.facts = iso.read_paste(text, path=self.path)
        except (iso.PasteRefused, iso.PathRefused) as refused:
            raise forms.ValidationError(str(refused)) from None
        return text
