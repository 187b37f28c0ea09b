"""Says where the project is published: writes the "Open in Colab" badges, without running a lesson.

    python -m tools.publish owner/name
    python -m tools.publish ""            no badges

The lessons need no badge: any fork opens in Colab by the address that README.md gives.
"""

import argparse
import sys

from tools import build_notebooks, lessons_table
from tools.settings import read_repository, write_repository


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", help='"owner/name", as in its address on GitHub')
    options = parser.parse_args(arguments)
    try:
        before = read_repository()
        write_repository(options.repository)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if build_notebooks.main(["--payload"]):
        write_repository(before)
        build_notebooks.main(["--payload"])
        return 1
    lessons_table.write()
    print("Now commit and push: pyproject.toml README.md notebooks/*.ipynb. The badges open branch `main`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
