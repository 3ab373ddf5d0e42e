"""The one-file HTML report of a model: figures as inline SVG, no script, nothing fetched from
anywhere.

`compute` asks the density for numbers (`findings`), one `figures_*` file a subject draws them,
`page` puts them into words. With the experiments this is the only room that imports matplotlib, and
the only one that imports jinja2; both are optional (`libraries`), so nothing is imported here.
"""
