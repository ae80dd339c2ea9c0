"""How every form of the portal is drawn: Django's own, the rooms' and allauth's alike."""

from django.forms.renderers import TemplatesSetting


class PortalFormRenderer(TemplatesSetting):
    """Draws fields with ``templates/components/field.html`` and whole forms with ``components/form.html``.

    Widgets keep Django's templates, unless ``templates/django/forms/`` has one of the same name.
    """

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
