"""Benchmarks: each module has ``bench() -> list[Figure]``; figures are ratios or bytes.

Seconds depend on the machine and promise nothing, but for the lab's search, which shall feel like typing anywhere.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number. ``at_least``/``at_most`` is what the project promises; None promises nothing."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return not (
            (self.at_least is not None and self.value < self.at_least)
            or (self.at_most is not None and self.value > self.at_most)
        )

    def __str__(self) -> str:
        promise = ""
        if self.at_least is not None:
            promise = f"  (promised: at least {self.at_least:g})"
        if self.at_most is not None:
            promise = f"  (promised: at most {self.at_most:g})"
        return f"{'ok  ' if self.kept else 'MISS'}  {self.name}: {self.value:.3g} {self.unit}{promise}"
