"""What the upload page's script says of sizes is what the pages say."""

import json
import subprocess
import sys
from pathlib import Path

from labtools.qcow2 import binary_size

NODE = Path(sys.executable).parent / "node"
SCRIPT = Path(__file__).resolve().parents[2] / "static/js/lab/words.js"
SIZES = [
    0,
    1,
    1023,
    1024,
    1025,
    1536,
    2**20,
    1000 * 2**20,
    44396708,
    2**30 - 1,
    2**30 + 1,
    50 * 2**30,
    3 * 2**39,
    2**50 + 1,
]


def test_both_sides_write_sizes_alike() -> None:
    code = (
        f'import("{SCRIPT.as_uri()}").then((words) => console.log(JSON.stringify({SIZES}.map(words.size))))'
    )
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [binary_size(size) for size in SIZES]
