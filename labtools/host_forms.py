"""The form by which staff add and change a host, on the pages and in the admin alike."""

from typing import Any, cast

from django import forms

from labtools.models import LabHost
from labtools.services import hosts, lab_keys

#: What only a host over SSH needs, and it all of it; no port is 22.
SSH_FIELDS = frozenset({"ssh_host", "ssh_user", "ssh_key_name", "ssh_host_key"})


class LabHostForm(forms.ModelForm[LabHost]):
    """Only fields with a closed list or a strict shape; :meth:`LabHost.clean` has the shapes."""

    ssh_port = forms.IntegerField(
        label="Port", required=False, initial=22, widget=forms.NumberInput(attrs={"min": 1, "max": 65535})
    )
    ssh_key_name = forms.ChoiceField(
        label="Key of the workers",
        required=False,
        help_text="A file in the workers’ folder of keys, by its name; its content is never shown.",
    )
    #: What was stored when the form was shown: two people may edit one host at once.
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    class Meta:
        model = LabHost
        fields = hosts.FIELDS
        labels = {
            "slug": "Short name",
            "is_enabled": "The workers ask it",
            "transport": "How it is reached",
            "ssh_host": "Host",
            "ssh_user": "User",
            "ssh_host_key": "Pinned host key",
        }
        help_texts = {
            "slug": "For its address: small letters, digits and hyphens.",
            "description": "What readers should know. Where it is, or who runs it, is nothing for a public one.",
            "is_enabled": "",
            "position": "Among the columns of tables; smaller is first.",
            "ssh_host": "A name or an IP address. Only staff ever see it.",
            "ssh_user": "An unprivileged user of that host, whose key has labprobe as its forced command.",
            "ssh_host_key": "The line that <code>ssh-keyscan -t ed25519 HOST</code> prints. Compare its fingerprint "
            "with what the host says of itself.",
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "visibility": forms.RadioSelect,
            "transport": forms.RadioSelect,
            "ssh_host_key": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["seen"] = hosts.fingerprint(self.instance)
        names = lab_keys.key_names()
        self._choose(
            "ssh_key_name",
            [("", "Choose a key" if names else "There is no key yet"), *((name, name) for name in names)],
        )
        self._choose("transport", [(one.value, one.label) for one in hosts.TRANSPORTS])
        if self.instance._state.adding:
            # Whoever adds a host decides to show it, and does not have to remember to hide it.
            self.initial.setdefault("visibility", LabHost.Visibility.PRIVATE)
            self.initial.setdefault("transport", LabHost.Transport.SSH)
        chosen = self["transport"].value() if "transport" in self.fields else ""
        for name in SSH_FIELDS & set(self.fields):
            self.fields[name].required = chosen == LabHost.Transport.SSH
        for name in {"ssh_host", "ssh_port", "ssh_user"} & set(self.fields):
            self.fields[name].widget.attrs |= {
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Give a field its list; where the admin only shows a host, the form has no such field."""
        if name in self.fields:
            cast(forms.ChoiceField, self.fields[name]).choices = choices

    def show_again(self, stored: LabHost) -> None:
        """Keep what was typed; whoever sends it again has seen what is ``stored``."""
        self.data = {**dict(self.data.items()), "seen": hosts.fingerprint(stored)}

    def clean_ssh_port(self) -> int:
        """Nothing is 22; a number has to be a port."""
        port = cast(int | None, self.cleaned_data["ssh_port"])
        if port is None:
            return 22
        if not 1 <= port <= 65535:
            raise forms.ValidationError("A port is a number from 1 to 65535.")
        return port
