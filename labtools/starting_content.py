"""What the lab has to show on its first day."""

from labtools.services import catalogue, checks, hosts, references, samples


def load() -> list[str]:
    """Make the three samples with their reports, the reference versions and the first hosts; returns what to tell.

    Safe to run at every start. Without qemu-img it says so and goes on: the lab then has no samples, and everything
    else works.
    """
    return [*_samples(), *_references(), *_hosts()]


def _references() -> list[str]:
    new = references.ensure_references()
    catalogue.refresh_catalogue()
    return [f"Loaded the QEMU of {', '.join(new)}."] if new else []


def _hosts() -> list[str]:
    made = hosts.ensure_first_hosts()
    return [f"Added the lab's hosts: {', '.join(made)}. Its worker asks them soon."] if made else []


def _samples() -> list[str]:
    try:
        made = samples.ensure_sample_reports()
    except checks.SampleMissing as missing:
        return [f"{missing} The lab has no samples to show until it is."]
    return [f"Checked the lab's samples: {', '.join(made)}."] if made else []
