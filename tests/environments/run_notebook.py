"""Executes a notebook with the Python that runs this file: python run_notebook.py NOTEBOOK EXECUTED

It imports nothing of the project, so that it runs in an environment that does not have it.
"""

import resource
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(source.parent)}}
    )
    try:
        client.execute()
    finally:
        nbformat.write(notebook, target)
        print("kernel's peak memory:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, "KiB")
