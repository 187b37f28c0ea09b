"""How long a lesson takes: `python -m tools.minutes` writes it into the sources.

A lesson has two paths. A teacher *shows* it in 45 minutes: the sections whose heading says minutes alone. A class works
through all of it in a *lab* of 90: also the sections whose heading says `· lab`. A section's minutes are reading at 200
words and 30 lines of code a minute, the seconds that its cells ran when the lesson was built (`seconds.json`), and what
a student does: reads a layer's source, thinks about a prediction, moves an explorer, solves an exercise. The title says
both sums: `**40 minutes to show, 85 as a lab.**`
"""

import argparse
import json
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode

from course_utils.files import write_json
from tools.lesson import SOURCES, read_lesson, sources, tags

WORDS, LINES = 200, 30  # read in a minute
SOURCE, PREDICTION, EXPLORER, EXERCISE = 2.0, 0.5, 1.5, 6.0  # minutes
SHOWN, LAB = 45, 90  # at most
SECONDS = SOURCES / "seconds.json"
HEADING = re.compile(r"^(?P<name>## .+?)(?P<lab> · lab)? · (?P<minutes>\d+) minutes?$", re.MULTILINE)
TITLE = re.compile(r"\*\*(?P<shown>\d+) minutes to show, (?P<lab>\d+) as a lab\.\*\*")
EXPLORERS = re.compile(r"^(?:explore_\w+|\w+_explorer_from_arrays)\(", re.MULTILINE)


def sections(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Returns the cells of each section of a lesson by its heading, without minutes; "" is before the first."""
    found: dict[str, list[NotebookNode]] = defaultdict(list)
    name = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"## (.+?)( · |$)", cell.source)):
            name = heading[1]
        found[name].append(cell)
    return found


def words(cells: list[NotebookNode]) -> int:
    """Returns how many words a student reads in Markdown cells; a solution that unfolds is not counted."""
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown" and not {"solution", "teacher"} & {*tags(c)})
    text = re.sub(r"<!--.*?-->|\]\([^)]*\)|^\|[-| :]+\|$", " ", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.findall(r"[^\W_]+(?:['’.,-][^\W_]+)*|\$[^$\n]+\$", text))


def seconds(notebook: NotebookNode) -> dict[str, int]:
    """Returns how long the cells of each section of an executed lesson ran, in whole 5 seconds, rounded up."""
    ran = {}
    for name, cells in sections(notebook).items():
        total = 0.0
        for cell in cells:
            if times := cell.metadata.get("execution"):
                start, end = (times[f"iopub.status.{what}"].replace("Z", "+00:00") for what in ("busy", "idle"))
                total += (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
        ran[name] = int(-(-total // 5) * 5)
    return ran


def record(source: Path, notebook: NotebookNode) -> None:
    """Keeps what `seconds` says of a lesson that was just built."""
    path = source.parent / SECONDS.name
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json(path, dict(sorted((known | {source.stem: seconds(notebook)}).items())))


def minutes(source: Path) -> dict[str, float]:
    """Returns the minutes of each section of a lesson's source, by its heading."""
    ran = json.loads((source.parent / SECONDS.name).read_text(encoding="utf-8")).get(source.stem, {})
    found = {}
    for name, cells in sections(read_lesson(source)).items():
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        found[name] = (
            words(cells) / WORDS
            + ran.get(name, 0) / 60
            + sum(len(text.splitlines()) for text in code if "# @title" not in text) / LINES
            + SOURCE * sum("show.source(" in text for text in code)
            + PREDICTION * sum("predict(" in text for text in code)
            + EXPLORER * sum(bool(EXPLORERS.search(text)) for text in code)
            + EXERCISE * sum("exercise" in tags(cell) for cell in cells)
        )
    return found


def promised(text: str) -> tuple[dict[str, int], int, int]:
    """Returns what a lesson's source promises: minutes by heading, and both sums of the headings."""
    told = {heading["name"].removeprefix("## "): heading for heading in HEADING.finditer(text.replace("\n# ", "\n"))}
    whole = {name: int(heading["minutes"]) for name, heading in told.items()}
    return whole, sum(whole[name] for name in whole if not told[name]["lab"]), sum(whole.values())


def write(source: Path) -> bool:
    """Writes the minutes into a lesson's source where they are off by more than one; returns whether it has changed."""
    measured = minutes(source)
    text = source.read_text(encoding="utf-8")

    def heading(found: re.Match) -> str:
        name, now = found["name"].removeprefix("## "), int(found["minutes"])
        new = now if abs(measured[name] - now) <= 1 else max(1, round(measured[name]))
        return f"{found['name']}{found['lab'] or ''} · {new} minute{'s' if new > 1 else ''}"

    new = re.sub(HEADING.pattern.replace("^", "^# ", 1), lambda f: f"# {heading(f)}", text, flags=re.MULTILINE)
    _, shown, lab = promised(new)
    new = TITLE.sub(f"**{shown} minutes to show, {lab} as a lab.**", new)
    if new != text:
        source.write_text(new, encoding="utf-8", newline="\n")
    return new != text


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.minutes", description="Writes the minutes.")
    parser.parse_args(arguments)
    for source in sources():
        changed = write(source)
        _, shown, lab = promised(source.read_text(encoding="utf-8"))
        count = words(read_lesson(source).cells)
        print(f"{source.stem}: {count} words, {shown} minutes to show, {lab} as a lab{', changed' if changed else ''}")


if __name__ == "__main__":
    main()
