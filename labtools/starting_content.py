"""What the lab has to show on its first day."""

from labtools.services import checks, samples


def load() -> list[str]:
    """Make the three samples and their reports; returns what there is to tell. Safe to run at every start.

    Without qemu-img it says so and goes on: the lab then has no samples, and everything else works.
    """
    try:
        made = samples.ensure_sample_reports()
    except checks.SampleMissing as missing:
        return [f"{missing} The lab has no samples to show until it is."]
    return [f"Checked the lab's samples: {', '.join(made)}."] if made else []
