"""Advise which package brings back a device type that QEMU's modules would have."""

from .advice import Advice, Cause, advise, advise_on_absent, advise_on_all
from .packages import Basis, Distribution, Family, distribution_of

__all__ = [
    "Advice",
    "Basis",
    "Cause",
    "Distribution",
    "Family",
    "advise",
    "advise_on_absent",
    "advise_on_all",
    "distribution_of",
]
