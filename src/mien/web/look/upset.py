"""How sets overlap, as an UpSet drawing: a column an intersection, dots for the sets it is of. Text to text."""

from collections.abc import Mapping, Sequence
from html import escape

from mien.profiles.local import number

LEFT, STEP, ROW, TALL, TOP = 190, 46, 30, 150, 26
"""Sizes in the drawing's own units: room for names, a column, a line of dots, the longest bar, room above it."""


def upset(caption: str, sizes: Mapping[str, int], parts: Sequence[tuple[Sequence[str], int]]) -> str:
    """`sizes`: of each set; `parts`: (sets, how many are in exactly these), the largest first."""
    names = sorted(sizes, key=lambda name: -sizes[name])
    most = max((n for _, n in parts), default=0) or 1
    wide, high = LEFT + STEP * max(len(parts), 1) + 8, TOP + TALL + 16 + ROW * len(names)
    marks = []
    for k, (members, n) in enumerate(parts):
        x, top = LEFT + STEP * (k + 0.5), TOP + TALL * (1 - n / most)
        marks.append(
            f'<rect class="upset-bar" x="{x - 12:.1f}" y="{top:.1f}" width="24" height="{TOP + TALL - top:.1f}"/>'
            f'<text class="upset-n" x="{x:.1f}" y="{top - 6:.1f}" text-anchor="middle">{number(n)}</text>'
        )
        ys = [_y(row) for row, name in enumerate(names) if name in members]
        if len(ys) > 1:
            marks.append(f'<line class="upset-link" x1="{x:.1f}" x2="{x:.1f}" y1="{min(ys):.1f}" y2="{max(ys):.1f}"/>')
        marks += [
            f'<circle class="upset-{"on" if name in members else "off"}" cx="{x:.1f}" cy="{_y(row):.1f}" r="6"/>'
            for row, name in enumerate(names)
        ]
    labels = "".join(
        f'<text class="upset-name" x="{LEFT - 12}" y="{_y(row) + 4:.1f}" text-anchor="end">{escape(_short(name))}'
        f'<tspan class="upset-size" dx="6">{number(sizes[name])}</tspan></text>'
        for row, name in enumerate(names)
    )
    return (
        f'<svg class="upset" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" '
        f'aria-label="{escape(caption, quote=True)}">{labels}{"".join(marks)}</svg>'
    )


def _y(row: int) -> float:
    return TOP + TALL + 16 + ROW * (row + 0.5)


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"
