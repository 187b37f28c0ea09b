"""Says whether this Python can hold the course's environment. Written so that an old Python can run it, too."""

# ruff: noqa: UP030, UP032

import argparse
import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # NEWEST is the newest that the pinned TensorFlow has wheels for


def complaint():
    """Returns what is wrong with the running Python and what to do, or an empty string."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        return (
            "The course needs Python 3.11, 3.12 or 3.13, but {0} is Python {1}.{2}.\n"
            "Install one of them and name it: make lab PYTHON=python3.12"
        ).format(sys.executable, version[0], version[1])
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return (
            "{0} cannot make an environment: {1}.\n"
            "On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere: install Python from python.org."
        ).format(sys.executable, error)
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="check_python.py", description="Says whether this Python can hold the course's environment: exit status 0."
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing, only end with 0 or 1")
    quiet = parser.parse_args().quiet
    text = complaint()
    if text and not quiet:
        sys.stderr.write(text + "\n")
    sys.exit(1 if text else 0)
