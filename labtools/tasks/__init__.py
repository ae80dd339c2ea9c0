"""What the lab's workers do: a task loads by id and calls one service. The routes are in settings."""

from labtools.tasks import images, labs, vhba_trials

__all__ = ["images", "labs", "vhba_trials"]
