"""What a lesson puts on the page besides its explorers: source, tables, images.

Source and tables are Markdown, so that JupyterLab, Colab, VS Code and GitHub each show them in their own theme.
"""

import ast
import inspect
import io
import re
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.figures import checks


def source(*objects):
    """Returns the real source of functions, methods or classes, as highlighted code, without their docstrings.

    Raises:
        TypeError: an object has no Python source, such as a number or a built-in function.
    """
    from IPython.display import Markdown

    return Markdown("```python\n" + "\n\n\n".join(map(_code, objects)) + "\n```")


def _code(thing) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(thing)).rstrip()
    except (TypeError, OSError) as error:
        raise TypeError(f"source: {thing!r} has no Python source to show; give a function or a class") from error
    parts = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    lines = text.splitlines()
    for doc in sorted((node.body[0] for node in parts if ast.get_docstring(node)), key=lambda doc: -doc.lineno):
        end = doc.end_lineno + (lines[doc.end_lineno : doc.end_lineno + 1] == [""])
        del lines[doc.lineno - 1 : end]
    return "\n".join(lines)


def table(rows: Sequence[Mapping], columns: Sequence[str] | None = None):
    """Returns a table.

    Args:
        rows: one mapping for each row; a missing or None value shows as "–".
        columns: which keys to show, in order; the first row's keys without it.

    Raises:
        ValueError: there are no rows, one that is no mapping, or a column that no row has.
    """
    from IPython.display import Markdown

    rows = list(rows)
    if not rows:
        raise ValueError("table: there are no rows")
    for row in rows:
        if not isinstance(row, Mapping):
            raise ValueError(f"table: each row must be {{column: value}}, but one is {row!r:.60}")
    columns = list(columns or rows[0])
    for column in columns:
        if not any(column in row for row in rows):
            raise ValueError(f"table: no row has {column!r}; they have {', '.join(rows[0])}")
    numeric = [all(isinstance(row.get(c), int | float | np.number | None) for row in rows) for c in columns]
    lines = [
        [_cell(column) for column in columns],
        ["---:" if number else "---" for number in numeric],
        *([_cell(row.get(column)) for column in columns] for row in rows),
    ]
    return Markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _cell(value) -> str:
    if value is None:
        return "–"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return escaped(str(value))


def escaped(text: str) -> str:
    """Returns text that Markdown and HTML show as it is: no tag, link, formula or code, all on one line."""
    signs = r"[&<>|`*\\$\[\]~@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    return re.sub(signs, lambda sign: f"&#{ord(sign[0])};", " ".join(text.split()), flags=re.IGNORECASE)


def percent(share: float | None) -> str | None:
    """Returns a share between 0 and 1 as text for a table, such as "47.6 %"."""
    return None if share is None else f"{100 * share:.1f} %"


class Image:
    """A PNG file for the page, with words for those who cannot see it. (IPython 7's own Image takes no such words.)"""

    def __init__(self, data: bytes, alt: str):
        self.data, self.alt = data, alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return figures.as_output(self.data, self.alt)


def image(pixels: np.ndarray, alt: str, factor: int = 1) -> Image:
    """Returns a uint8 image `(h, w, 3)`, enlarged `factor` times, with words for those who cannot see it."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    Pillow.fromarray(figures.enlarge(figures.as_rgb(pixels), factor)).save(file, "PNG")
    return Image(file.getvalue(), alt)


def samples(dataset, count: int = 6, *, model=None, side: int = 128):
    """Returns the first test images of a data set, each with its class; with a model, what it says of them too.

    Args:
        dataset: a `Dataset`.
        count: how many images.
        model: a classifier for that data set; the images it gets are resized to its own size, as in training.
        side: width of each image on the page, about, in pixels.

    Raises:
        ValueError: `dataset` or `model` is none, or a number is not a whole one of at least 1.
    """
    if not hasattr(dataset, "x_test"):
        raise ValueError(f"samples: dataset must be one that load_dataset gives, but it is {dataset!r:.60}")
    count, side = checks.whole("samples", "count", count), checks.whole("samples", "side", side, most=2048)
    if model is not None and len(getattr(model, "input_shape", None) or ()) != 4:
        raise ValueError(f"samples: model must be a classifier, as classifier(…) builds it, but it is {model!r:.60}")
    images, labels = dataset.x_test[:count], dataset.y_test[:count]
    said = None
    if model is not None:
        takes, wanted = (model.input_shape[3], model.output_shape[-1]), (images.shape[3], dataset.num_classes)
        if takes != wanted:
            raise ValueError(f"samples: model must be for {wanted} channels and classes, but it is for {takes}")
        fitting = figures.resized(images, model.input_shape[1:3]).astype("float32")
        said = np.argmax(model.predict_on_batch(fitting), axis=1)
    cards, words = [], []
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        big = figures.enlarge(figures.as_rgb(pixels), max(side // pixels.shape[0], 1))
        name = dataset.class_names[label]
        caption = ""
        if said is not None:
            caption = "✓ found" if said[i] == label else f"✗ says: {dataset.class_names[said[i]]}"
        cards.append(figures.with_title(big, name, caption))
        words.append(f"{name}{' (' + caption + ')' if caption else ''}")
    return image(figures.beside(cards), "Test images: " + "; ".join(words))
