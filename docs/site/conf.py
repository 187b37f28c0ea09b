"""How Sphinx makes the course's pages. `make site` prepares what they are made from (tools/site.py)."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

project = "See every mixer mix"
extensions = ["myst_nb"]
exclude_patterns = []
html_theme = "furo"
html_title = project
html_extra_path = ["../files"]  # what the pages load: explorers and images
html_static_path = ["../static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_show_search_summary = False  # it would ask for pages, which a browser refuses from a disk
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # with tables
suppress_warnings = ["mystnb.unknown_mime_type"]
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "monokai"  # each has contrast enough


def setup(app):
    """Formulas become MathML, which browsers set themselves: no script, no fonts, no network. Headings have levels."""

    def inline(writer, node):
        writer.body.append(convert(node.astext()))
        raise SkipNode

    def block(writer, node):
        writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
        raise SkipNode

    def headings(app, page, template, context, doctree):
        tree = context["furo_navigation_tree"]
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')

    app.connect("html-page-context", headings, priority=900)  # when the theme has made its tree
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
