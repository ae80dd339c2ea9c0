"""Our numbers against those of the installed ``qemu-img check``: ``python -m labtools.qcow2.corpus.differential N``."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtools.qcow2 import CheckReport, ImageError, check_image, open_image

from .chance import damage_at_random
from .sound import Image, build, random_recipe


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code and totals; the totals are None where qemu-img prints none."""

    exit_code: int
    numbers: dict[str, int] | None


def ask_qemu(
    path: Path, *, has_data_file: bool = False, aes: bool = False, secret: str | None = None
) -> Answer:
    """What ``qemu-img check`` says of an image, which must be one of ours: it is not run in a sandbox."""
    node: dict[str, Any] = {
        "driver": "qcow2",
        "read-only": True,
        "file": {"driver": "file", "filename": str(path), "locking": "off", "read-only": True},
        "backing": None,
    }
    if has_data_file:
        node["data-file"] = {"driver": "null-co", "size": 1 << 40, "read-zeroes": True}
    if aes or secret:
        node["encrypt"] = {"format": "aes" if aes else "luks", "key-secret": "dummy"}
    argv = ["qemu-img", "check", "--object", f"secret,id=dummy,data={secret or 'dummy'}", "--output=json"]
    done = subprocess.run(
        [*argv, "json:" + json.dumps(node)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    if not done.stdout.startswith("{"):
        return Answer(done.returncode, None)
    return Answer(
        done.returncode,
        {name: value for name, value in json.loads(done.stdout).items() if isinstance(value, int) and value},
    )


def our_answer(report: CheckReport) -> Answer:
    """The same of our report; zeros are left out, as QEMU leaves out most."""
    numbers = report.reference.to_json_dict() if report.reference else None
    return Answer(report.qemu_exit, numbers and {name: value for name, value in numbers.items() if value})


def make(seed: int) -> tuple[Image, list[str]]:
    """A damaged image, the same for the same seed; every tenth is sound."""
    chance = random.Random(seed)  # noqa: S311 a seed must give the same image again
    image = build(random_recipe(chance), seed)
    return image, damage_at_random(image, chance) if seed % 10 else []


def compare(seed: int, path: Path) -> str | None:
    """Check one image both ways; None if the answers agree, else a line that says how they do not."""
    image, done = make(seed)
    image.write(path)
    flags = int.from_bytes(image.pieces[0][72:80]) if image.pieces[0][7] == 3 else 0
    crypt = int.from_bytes(image.pieces[0][32:36])
    theirs = ask_qemu(path, has_data_file=bool(flags & 4), aes=crypt == 1)
    try:
        with open_image(path) as source:
            ours = our_answer(check_image(source))
    except ImageError:
        ours = Answer(1, None)
    except Exception as error:  # whatever else comes is a bug of ours, to be told with its seed
        return f"seed {seed} {image.recipe}: {'; '.join(done)}: {error!r}"
    if ours == theirs:
        return None
    return f"seed {seed} {image.recipe}: {'; '.join(done)}: ours {ours}, qemu-img {theirs}"


def main() -> int:
    """Run a number of seeds and print every disagreement; exit 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m labtools.qcow2.corpus.differential", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="qcow2-differential-") as folder:
        for seed in range(options.seed, options.seed + options.count):
            if line := compare(seed, Path(folder) / "image.qcow2"):
                wrong += 1
                print(line, flush=True)
    print(f"{options.count} images, {wrong} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
