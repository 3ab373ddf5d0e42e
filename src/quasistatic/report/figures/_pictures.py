"""Images of the page: many of them as one picture that stands in the page itself."""

import base64
import io
from html import escape

import numpy as np

from quasistatic.data.images.folder import require_pillow
from quasistatic.data.images.output import picture_of
from quasistatic.report._wording import plain
from quasistatic.report.figures._drawing import Picture


def draw_images(stack: np.ndarray, *, alt: str, caption: str, title: str = "") -> Picture:
    """Images side by side, from the left and from above, as a PNG inside an `<svg>` element.

    Args:
        stack: images `[N, H, W]` or `[N, H, W, 3]`.
        alt: alternative text of the figure.
        caption: caption of the figure: what the images are.
        title: heading of the figure (default: empty).
    """
    picture = picture_of(stack)
    file = io.BytesIO()
    require_pillow().fromarray(picture).save(file, format="PNG")
    height, width, _ = picture.shape
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    svg = (
        f'<svg viewBox="0 0 {width} {height}" class="figure" role="img"'
        f' aria-label="{escape(plain(alt))}"><image class="pixels" href="{source}" width="{width}"'
        f' height="{height}" /></svg>'
    )
    return Picture(svg, caption, title)
