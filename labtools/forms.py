"""What people may send to the lab's pages."""

import re
import uuid

from django import forms
from django.http import QueryDict

from labtools.models import ImageCheck

_REPORT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class OtherReportForm(forms.Form):
    """Which report to set beside this one: one of the member's own, or any by its link."""

    other = forms.CharField(label="The link of another report", max_length=300, strip=True)

    def __init__(self, data: QueryDict, *, user: object, than: ImageCheck) -> None:
        super().__init__(data if "other" in data else None)
        self._user, self._than = user, than

    def clean_other(self) -> ImageCheck:
        """The finished report that is meant; what may not be seen is not there."""
        named = _REPORT_ID.search(self.cleaned_data["other"])
        finished = ImageCheck.objects.visible_to(self._user).filter(state=ImageCheck.State.FINISHED)
        found = finished.filter(pk=uuid.UUID(named[0])).first() if named else None
        if found is None:
            raise forms.ValidationError("There is no finished report at this link, or you may not see it.")
        if found == self._than:
            raise forms.ValidationError("That is this report. Choose another one.")
        return found


class VisibilityForm(forms.Form):
    """Who may see a report."""

    visibility = forms.ChoiceField(choices=ImageCheck.Visibility.choices)
