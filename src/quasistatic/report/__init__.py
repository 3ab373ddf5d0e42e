"""The one-file HTML report of a model: figures as inline SVG, no script, nothing fetched from anywhere.

`compute` asks the density for numbers, one `figures_*` file a subject draws them, `page` puts them into words. This is the only
room that imports matplotlib and jinja2; both are optional (`libraries`), so nothing is imported here.
"""
