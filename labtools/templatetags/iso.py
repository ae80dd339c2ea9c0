"""Template tags of the ISO doctor."""

from django import template

from labtools.labhost.iso import Effect, Way

register = template.Library()

#: The class that repeats an effect's words in colour.
TONES = {Effect.HIDES: "tone-bad", Effect.STOPS_GUEST: "tone-warn", Effect.NOTE: "tone-note"}


@register.filter
def effect_tone(effect: Effect) -> str:
    """The class of a finding's tag."""
    return TONES[effect]


@register.filter
def undo_commands(way: Way) -> list[str]:
    """The commands that take a way back, the last step first."""
    return [step.undo for step in reversed(way.steps) if step.undo]
