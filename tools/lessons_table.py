"""Writes the table of lessons into README.md, from the list of papers and from what each lesson says of itself.

python -m tools.lessons_table
"""

import argparse
import re

from course_utils.papers import PAPERS
from tools.lesson import sources
from tools.minutes import TITLE
from tools.settings import ROOT, badge, read_repository

BEGIN, END = "<!-- lessons: written by python -m tools.lessons_table -->\n", "<!-- end of lessons -->"


def row(source) -> str:
    """Returns a lesson's row: title, badge where the project is published, paper, minutes."""
    title, rest = source.read_text(encoding="utf-8").split("\n", 2)[1:]
    linked = re.findall(r"arxiv\.org/abs/([\d.]+)", rest.partition("# %%")[0])
    shown, lab = TITLE.search(rest).groups()
    paper = next((paper.arxiv for paper in PAPERS.values() if paper.lesson == source.stem), None)
    paper = paper or (linked[0] if len(linked) == 1 else None)
    open_it = f" {badge(repository, source.stem)}" if (repository := read_repository()) else ""
    link = f"[arXiv {paper}](https://arxiv.org/abs/{paper})" if paper else "all of them"
    return f"| [{title.removeprefix('# # ')}](notebooks/{source.stem}.ipynb){open_it} | {link} | {shown} | {lab} |\n"


def with_table(text: str) -> str:
    """Returns the README's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "| lesson | paper | minutes to show | as a lab |\n|---|---|---|---|\n" + "".join(map(row, sources()))
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def write() -> None:
    """Writes the table into README.md."""
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m tools.lessons_table", description="Writes README.md's table.").parse_args()
    write()
