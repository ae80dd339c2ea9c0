"""What the lab has to show on its first day."""

import logging

from labtools.services import checks, samples

log = logging.getLogger(__name__)


def load() -> None:
    """Make the three samples and their reports. Safe to run at every start; without qemu-img it says so and goes on."""
    try:
        made = samples.ensure_sample_reports()
    except checks.SampleMissing as missing:
        log.warning("%s The lab has no samples to show until it is.", missing)
        return
    if made:
        log.info("lab samples checked: %s", ", ".join(made))
