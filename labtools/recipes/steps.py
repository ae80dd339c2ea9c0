"""A command as template and arguments: read from an article's line, checked, and written as argv anew."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .templates import PROGRAMS, TARGETS, TEMPLATES, Argument, Place, Role, Template

#: The only connection that virsh is ever given: it lives in the process itself and ends with it.
TEST_DRIVER = "test:///default"
MAX_LINE = 500
_ALLOWED = re.compile(r"[A-Za-z0-9 _.,:;=+%/'\"-]*", re.ASCII)
MAX_COMMANDS_OF_VIRSH = 12


class Refused(ValueError):
    """A command is not one that a check may run; the message is a sentence for the author."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command. A value of ``arguments`` is the argument's text; of an option without a value it is empty."""

    template: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """What it needs."""
        return _template(self.template).place

    @property
    def changes_test_driver(self) -> bool:
        """Whether later commands of virsh could answer otherwise because of it."""
        return _template(self.template).changes

    def files(self, *roles: Role) -> frozenset[str]:
        """Names of the files that it uses in one of ``roles``."""
        return frozenset(
            self.arguments[argument.name]
            for argument in _template(self.template).arguments
            if argument.name in self.arguments and _role(argument, self.arguments) in roles
        )

    @property
    def makes(self) -> frozenset[str]:
        """Files that are there after it whatever was there before."""
        return self.files(Role.MAKES)

    @property
    def needs(self) -> frozenset[str]:
        """Files that must be there before it."""
        return self.files(Role.READS, Role.CHANGES)

    @property
    def leaves(self) -> frozenset[str]:
        """Files that are not as before once it has run."""
        return self.files(Role.MAKES, Role.CHANGES)

    def to_json(self) -> dict[str, Any]:
        """For storing."""
        return {"template": self.template, "arguments": dict(self.arguments)}


def step_from_json(data: object) -> Step:
    """What :meth:`Step.to_json` gave, every value checked again. Raises :class:`Refused`."""
    if not isinstance(data, Mapping) or not isinstance(data.get("arguments"), Mapping):
        raise Refused("A stored step is not of the form that this portal makes.")
    return _checked(str(data.get("template")), dict(data["arguments"]))


def read_command(line: str) -> tuple[Step, ...]:
    """The steps that a line of an article asks for. Raises :class:`Refused` for all but one plain command.

    It is one step, but for ``virsh "pool-define pool.xml; pool-start vhba"``: these share one test driver.
    """
    if len(line) > MAX_LINE:
        raise Refused(f"A command has at most {MAX_LINE} characters.")
    if not _ALLOWED.fullmatch(line):
        odd = next(character for character in line if not _ALLOWED.fullmatch(character))
        raise Refused(_no_shell(odd))
    try:
        words = shlex.split(line)
    except ValueError:
        raise Refused("A quotation mark in the command is not closed.") from None
    if not words:
        raise Refused("There is no command after the prompt.")
    program, *rest = words
    if program == "sudo":
        raise Refused("Write the command without sudo, after the prompt “# ” if it takes root.")
    if program not in PROGRAMS:
        raise Refused(f"{_shown(program)} is not a program that a check can run. {_programs()}")
    if program == "virsh":
        return _read_virsh(_without_connection(rest))
    if ";" in line:
        raise Refused(_no_shell(";"))
    return (_read(program, rest),)


def _read_virsh(words: list[str]) -> tuple[Step, ...]:
    """One command, or several in one word with semicolons between, which virsh itself takes apart."""
    if not any(";" in word for word in words):
        return (_read("virsh", words),)
    commands = [command.split() for command in words[0].split(";")]
    if len(words) > 1 or not all(commands):
        raise Refused(_no_shell(";"))
    if len(commands) > MAX_COMMANDS_OF_VIRSH:
        raise Refused(f"virsh is given at most {MAX_COMMANDS_OF_VIRSH} commands at once.")
    return tuple(_read("virsh", command) for command in commands)


def _no_shell(odd: str) -> str:
    return f"“{_shown(odd)}” cannot stand in a command that is checked: one program with plain arguments, no shell."


def build_argv(steps: Sequence[Step], earlier: Sequence[Step] = (), mark: str = "") -> list[str]:
    """The command line that is run, made of the templates and of arguments that are checked once more.

    Each virsh has a test driver of its own, which ends with it: it first does again what ``earlier`` steps changed
    there, then says ``mark``, then does ``steps``. No argument of virsh's templates can hold a blank, a quotation mark
    or a semicolon, so its own reading of its command string has nothing to find.
    """
    program = _template(steps[0].template).program
    if program != "virsh":
        (step,) = steps
        return [program, *_words(step)]
    session = [*(_words(one) for one in earlier), *([["echo", mark]] if earlier else []), *map(_words, steps)]
    if len(session) == 1:
        return ["virsh", "-c", TEST_DRIVER, *session[0]]
    return ["virsh", "-c", TEST_DRIVER, "; ".join(" ".join(words) for words in session)]


def _words(step: Step) -> list[str]:
    _checked(step.template, step.arguments)
    template = _template(step.template)
    return [*template.words, *_filled_in(template, step.arguments)]


def _template(name: str) -> Template:
    try:
        return TEMPLATES[name]
    except KeyError:
        raise Refused("A stored step names a template that there is not.") from None


def _role(argument: Argument, arguments: Mapping[str, str]) -> Role:
    return Role.CHANGES if argument.changes_with in arguments else argument.role


def _filled_in(template: Template, arguments: Mapping[str, str]) -> Iterator[str]:
    for argument in sorted(template.arguments, key=lambda one: not one.spellings):
        if argument.name not in arguments:
            continue
        value = arguments[argument.name]
        if not argument.spellings:
            yield value
        elif argument.kind is None:
            yield argument.spellings[0]
        elif argument.joined:
            yield f"{argument.spellings[0]}={value}"
        else:
            yield from (argument.spellings[0], value)


def _checked(name: str, arguments: Mapping[str, Any]) -> Step:
    template = _template(name)
    known = {argument.name: argument for argument in template.arguments}
    for key, value in arguments.items():
        argument = known.get(key)
        if argument is None:
            raise Refused(f"{name} has no argument “{_shown(str(key))}” in a check.")
        if argument.kind is None and value != "":
            raise Refused(f"{argument.spellings[0]} takes no value.")
        if argument.kind is not None and not argument.kind.takes(value):
            where = argument.spellings[0] if argument.spellings else f"the {argument.name}"
            raise Refused(f"{name}: {where} must be {argument.kind.words}; “{_shown(str(value))}” is not.")
    for argument in template.arguments:
        if argument.required and argument.name not in arguments:
            raise Refused(f"{name} needs {_article(argument)} here.")
    return Step(name, dict(arguments))


def _article(argument: Argument) -> str:
    return argument.spellings[0] if argument.spellings else f"a value for “{argument.name}”"


def _without_connection(words: list[str]) -> list[str]:
    """Drop ``-c test:///default``: it is always given. Any other address is refused, and so is any other option."""
    while words and words[0].startswith("-"):
        option, separator, value = words[0].partition("=")
        if option in ("-c", "--connect") and (separator or len(words) > 1):
            uri, words = (value, words[1:]) if separator else (words[1], words[2:])
            if uri != TEST_DRIVER:
                raise Refused(
                    f"virsh is checked on libvirt’s test driver only: write no -c, or -c {TEST_DRIVER}. "
                    f"“{_shown(uri)}” is another host."
                )
        elif words[0] in ("--version", "-v"):
            return ["version", *words[1:]]
        else:
            raise Refused(f"virsh is checked without the option “{_shown(words[0])}”.")
    return words


def _read(program: str, words: list[str]) -> Step:
    """Match ``words`` to the program's templates; the one with the most fixed words that fits is meant."""
    candidates = [template for template in TEMPLATES.values() if template.program == program]
    fitting = [one for one in candidates if tuple(words[: len(one.words)]) == one.words]
    if not fitting:
        raise Refused(_no_template(program, words))
    template = max(fitting, key=lambda one: len(one.words))
    return _checked(template.name, _sort_out(template, words[len(template.words) :]))


def _no_template(program: str, words: list[str]) -> str:
    said = " ".join(_shown(word) for word in words[:2])
    if program.startswith("qemu-system-"):
        possible = "-device help, -device NAME,help, -machine help, -cpu help and --version"
    else:
        names = [one for one in TEMPLATES.values() if one.program == program]
        possible = ", ".join(" ".join(one.words) for one in names)
    return f"“{program} {said}” is not a command that a check can run. With {program} there are: {possible}."


def _sort_out(template: Template, words: list[str]) -> dict[str, str]:
    """Options by their spelling, the rest in order to the operands."""
    options: dict[str, list[Argument]] = {}
    for argument in template.arguments:
        for spelling in argument.spellings:
            options.setdefault(spelling, []).append(argument)
    operands = [argument for argument in template.arguments if not argument.spellings]
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            if not operands:
                raise Refused(f"{template.name} takes no further “{_shown(word)}” in a check.")
            found[operands.pop(0).name] = word
            continue
        spelling, separator, value = word.partition("=")
        if spelling not in options or (separator and not spelling.startswith("--")):
            raise Refused(f"{template.name} is checked without the option “{_shown(word)}”.")
        if not options[spelling]:
            raise Refused(f"{template.name} has {spelling} too often.")
        argument = options[spelling].pop(0)
        if argument.kind is not None and not separator:
            if not rest:
                raise Refused(f"{template.name}: {spelling} needs a value.")
            value = rest.pop(0)
        elif argument.kind is None and separator:
            raise Refused(f"{spelling} takes no value.")
        found[argument.name] = value
    return found


def _shown(text: str) -> str:
    """A piece of an article as it may stand in a sentence: short, ASCII, nothing invisible."""
    return ascii(text[:40])[1:-1]


def _programs() -> str:
    systems = f"qemu-system-{TARGETS[0]}"
    others = sorted(program for program in PROGRAMS if not program.startswith("qemu-system-"))
    return f"There are: {', '.join(others)}, and {systems} with help of devices, machines and CPU models."
