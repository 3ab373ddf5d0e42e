"""Sphinx: MyST pages, the furo theme, formulas as MathML so that no page needs a network."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "quasistatic"
author = "The quasistatic developers"
project_copyright = author
release = version = installed_version("quasistatic")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
exclude_patterns = ["_build", "_ext", "figures"]

html_theme = "furo"
html_title = f"quasistatic {release}"
html_copy_source = False
html_show_sphinx = False

autodoc_typehints = "description"
autodoc_member_order = "bysource"
