"""One palette for figures and page, light and dark: figures name their colours, the page's CSS says
what they are.

Matplotlib knows colours as numbers only, so each name has a number of its own that stands for it
until the picture is written; `drawing` then puts `var(--NAME)` in its place.
"""

from typing import Any

WIDTH = 340.0
"""Of a figure, in CSS pixels, as on a phone of 390: text of 12 is then at least 12 pixels high."""
TEXT = 12.0

NAMES = ("ink", "muted", "grid", "real", "sampled", "third")
PALETTE = {name: f"#0102{number:02x}" for number, name in enumerate(NAMES, start=1)}
"""From a colour's name to what matplotlib is told."""
INK, MUTED, GRID, REAL, SAMPLED, THIRD = (PALETTE[name] for name in NAMES)

SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": TEXT,
    "axes.titleweight": "normal",
    "figure.constrained_layout.use": True,
    "figure.edgecolor": "none",
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "hatch.color": MUTED,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.8,
    "patch.edgecolor": INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "quasistatic",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelsize": TEXT,
    "ytick.color": MUTED,
    "ytick.labelsize": TEXT,
}
"""Of matplotlib, whatever the user's own are."""
