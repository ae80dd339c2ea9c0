"""Template tags of the vHBA wizard."""

from django import template

from labtools.labhost import npiv

register = template.Library()

#: How a caution is shown: the words for its severity, and the tone that repeats them.
SEVERITIES = {
    npiv.Severity.STOP: ("Stop", "bad"),
    npiv.Severity.WARNING: ("Attention", "warn"),
    npiv.Severity.NOTE: ("Note", ""),
}


@register.simple_tag
def fibre_terms(*words: str) -> list[npiv.Term]:
    """The words of Fibre Channel by these names, with what they mean."""
    return [npiv.term(word) for word in words]


@register.filter
def severity_word(severity: npiv.Severity) -> str:
    """A caution's severity as a word."""
    return SEVERITIES[severity][0]


@register.filter
def severity_tone(severity: npiv.Severity) -> str:
    """The class that repeats the word in colour, perhaps empty."""
    tone = SEVERITIES[severity][1]
    return f"tone-{tone}" if tone else ""


@register.filter
def pretty_wwn(digits: str) -> str:
    """A WWN in pairs with colons; as it is where it is out of form."""
    try:
        return npiv.parse_wwn(digits).pretty
    except npiv.WwnError:
        return digits
