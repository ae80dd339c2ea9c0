"""Tell those who store what a room said that it would say something else now."""

from portal.dispatch import send_on_commit

_tasks: list[str] = []


def register(task_name: str) -> None:
    """Run the task of that name, without arguments, after each change that a room announces."""
    if task_name not in _tasks:
        _tasks.append(task_name)


def announce() -> None:
    """Call it in the transaction of the change. Beat runs the same tasks, so an announcement may get lost."""
    for name in _tasks:
        send_on_commit(name)
