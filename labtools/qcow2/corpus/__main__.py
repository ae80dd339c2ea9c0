"""``python -m labtools.qcow2.corpus DIR [--seed N]``: write the corpus of damaged images and its manifest."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from .silent import EVERY

MANIFEST_FORMAT = 1


def write_corpus(folder: Path, seed: int) -> list[dict[str, object]]:
    """Write every image of the corpus, and return what the manifest says of each."""
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, object]] = []
    for damage in EVERY:
        name = f"{damage.name}.qcow2"
        damage.image(seed).write(folder / name)
        entries.append(
            {
                "file": name,
                "recipe": dataclasses.asdict(damage.recipe),
                "findings": sorted(damage.findings),
                "verdict": damage.verdict,
                "qemu_exit": damage.qemu_exit,
            }
        )
    return entries


def main() -> int:
    """Write images and manifest into the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m labtools.qcow2.corpus", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed gives other images with the same damage"
    )
    options = parser.parse_args()
    entries = write_corpus(options.folder, options.seed)
    manifest = {"format": MANIFEST_FORMAT, "seed": options.seed, "images": entries}
    (options.folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{len(entries)} images in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
