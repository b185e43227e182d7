"""Draw the package's rooms in floors, a line for each import: house_drawing.py OUT.svg."""

from __future__ import annotations

import ast
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "esm_explore"
WIDE, HIGH, GAP, FLOOR = 116, 30, 16, 74


def floors() -> list[list[str]]:
    """Rooms from the ground up, as tests/test_house.py holds them."""
    tree = ast.parse((ROOT / "tests" / "test_house.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "FLOORS":
            return [rooms.split() for rooms in ast.literal_eval(node.value)]
    raise SystemExit("tests/test_house.py has no FLOORS")


def imports() -> dict[tuple[str, str], int]:
    """Count how many files of a room import something of another one."""
    counted: dict[tuple[str, str], int] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        others = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("esm_explore."):
                others.add(node.module.split(".")[1])
        for other in others - {room}:
            counted[room, other] = counted.get((room, other), 0) + 1
    return counted


def drawing(rooms: list[list[str]], lines: dict[tuple[str, str], int]) -> str:
    """Write the SVG: floors from the bottom up, a line thicker the more files import."""
    width = max(len(row) for row in rooms) * (WIDE + GAP) + GAP
    height = len(rooms) * FLOOR + GAP
    place = {}
    for level, row in enumerate(rooms):
        left = (width - len(row) * (WIDE + GAP) + GAP) / 2
        # One above the other, rooms would hide the lines between them.
        left += 0 if len(row) > 1 else 105 * (level % 3 - 1)
        for i, room in enumerate(row):
            place[room] = (left + i * (WIDE + GAP), height - (level + 1) * FLOOR + GAP)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for (upper, lower), files in sorted(lines.items()):
        if upper not in place or lower not in place:  # __init__.py is no room
            continue
        (x1, y1), (x2, y2) = place[upper], place[lower]
        assert y1 < y2, f"{upper} imports {lower}, which is not below it"
        x1, y1, x2 = x1 + WIDE / 2, y1 + HIGH, x2 + WIDE / 2
        middle = (y1 + y2) / 2
        drawn.append(
            f'<path d="M{x1} {y1} C{x1} {middle} {x2} {middle} {x2} {y2}" fill="none" '
            f'stroke="#4c78a8" stroke-opacity=".35" stroke-width="{min(0.8 + files / 6, 4):.1f}">'
            f"<title>{upper} imports {lower} in {files} files</title></path>"
        )
    for room, (x, y) in place.items():
        drawn.append(
            f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="5" fill="#eef3f9" '
            f'stroke="#4c78a8"/><text x="{x + WIDE / 2}" y="{y + 20}" text-anchor="middle" '
            f'fill="#1b2a3a">{escape(room)}</text>'
        )
    return "\n".join([*drawn, "</svg>\n"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(drawing(floors(), imports()), "utf-8")
