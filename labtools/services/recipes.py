"""The lab's commands as other rooms know them: `portal.recipes` on one side, `labtools.recipes` on the other."""

from collections.abc import Sequence

from labtools import recipes
from labtools.recipes import Place, Step
from portal import recipes as rooms


def register() -> None:
    """Offer the lab's commands to articles."""
    rooms.register(
        rooms.Runner(
            read=_read,
            check_document=_check_document,
            argv=_argv,
            run=_run,
            versions=recipes.versions,
            ready_files=recipes.READY_IMAGES,
        )
    )


def _read(line: str) -> rooms.Command:
    try:
        steps = recipes.read_command(line)
    except recipes.Refused as refused:
        raise rooms.Refused(str(refused)) from None
    place = steps[0].place
    made: set[str] = set()
    needs: set[str] = set()
    for step in steps:
        needs |= step.needs - made
        made |= step.makes
    return rooms.Command(
        steps=[step.to_json() for step in steps],
        place=place.value,
        needs=frozenset(needs),
        makes=frozenset(made),
        leaves=frozenset().union(*(step.leaves for step in steps)),
        uses_driver=place is Place.TEST_DRIVER,
        changes_driver=any(step.changes_test_driver for step in steps),
    )


def _check_document(name: str, text: str) -> None:
    try:
        recipes.check_document(name, text)
    except recipes.Refused as refused:
        raise rooms.Refused(str(refused)) from None


def _steps(stored: rooms.Steps) -> tuple[Step, ...]:
    return tuple(recipes.step_from_json(one) for one in stored)


def _argv(stored: rooms.Steps) -> list[str]:
    try:
        return recipes.build_argv(_steps(stored))
    except recipes.Refused as refused:
        raise rooms.Refused(str(refused)) from None


def _run(blocks: Sequence[rooms.Block]) -> list[list[rooms.Outcome]]:
    """A stored step that is not of our form stops the whole run: nobody but a hand in the database made it so."""
    try:
        ours = [
            recipes.Block(tuple(_steps(one) for one in block.commands), block.documents) for block in blocks
        ]
    except recipes.Refused as refused:
        return [[rooms.Outcome(None, "", str(refused)) for _ in block.commands] for block in blocks]
    return [
        [rooms.Outcome(one.exit_code, one.output, one.trouble) for one in results]
        for results in recipes.run_blocks(ours)
    ]
