"""Run the benchmarks named on the command line, or all; exit 1 when a promise is not kept."""

import importlib
import pkgutil
import sys

import bench


def main(names: list[str]) -> int:
    """Run the modules ``names`` of this package (all if empty) and print their figures."""
    known = [
        module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")
    ]
    if unknown := set(names) - set(known):
        print(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr
        )
        return 2
    kept = True
    for name in names or known:
        print(f"{name}:", flush=True)
        for figure in importlib.import_module(f"bench.{name}").bench():
            print(f"  {figure}", flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
