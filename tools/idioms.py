"""Keep every copy of an idiom identical to its canonical text in idioms/.

A copied block stands between `# --- idiom: NAME ---` and `# --- end of idiom ---`.

    python tools/idioms.py --check     list the copies that differ (exit status 1 if any)
    python tools/idioms.py --fix       rewrite them
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^# --- idiom: (\S+) ---\n(.*?)^# --- end of idiom ---$", re.MULTILINE | re.DOTALL)


def canonical(name):
    """Return the text of an idiom; KeyError if there is none of that name."""
    path = ROOT / "idioms" / f"{name}.py"
    if not path.exists():
        raise KeyError(name)
    return path.read_text().rstrip() + "\n"


def copies():
    """Yield (path, text) of every Python file in a folder of the catalog."""
    for path in sorted(ROOT.glob("*/*.py")):
        if path.parent.name not in ("idioms", "tools", "tests"):
            yield path, path.read_text()


def mended(text):
    """Return text with the canonical idioms in their places."""
    return BLOCK.sub(lambda block: f"# --- idiom: {block[1]} ---\n{canonical(block[1])}# --- end of idiom ---", text)


def faults():
    """Return one line for each copy that differs from its idiom or names one that does not exist."""
    lines = []
    for path, text in copies():
        for block in BLOCK.finditer(text):
            try:
                if block[2] != canonical(block[1]):
                    lines.append(f"{path.relative_to(ROOT)}: the copy of idiom {block[1]} differs (`make idioms`)")
            except KeyError:
                lines.append(f"{path.relative_to(ROOT)}: there is no idiom {block[1]}")
        if text.count("# --- idiom: ") != len(BLOCK.findall(text)):
            lines.append(f"{path.relative_to(ROOT)}: an idiom's end line is missing")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--fix", action="store_true")
    if parser.parse_args().fix:
        for path, text in copies():
            if mended(text) != text:
                path.write_text(mended(text))
                print(f"mended {path.relative_to(ROOT)}")
    lines = faults()
    print("\n".join(lines) or "all copies of idioms are identical")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
