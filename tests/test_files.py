import errno
import multiprocessing
import os
import platform
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.files import path_to_write, user_path, write_json, write_whole

HERE = f".course_utils-{platform.node()}"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_paths_of_users_are_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RUNS", "my runs")
    assert user_path("~/$RUNS/a.json", "card") == tmp_path / "my runs" / "a.json"
    assert user_path(Path("~") / "a", "card") == tmp_path / "a"
    assert path_to_write("~/a", "card") == tmp_path / "a"
    with pytest.raises(IsADirectoryError, match="card: no file can be written to '~/a/'"):
        path_to_write("~/a/", "card")
    assert names(tmp_path) == [], "trying a place leaves nothing there"


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"first", "the file")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"could not save the file \(No space left.*the one before it is untouched"):
        write_whole(path, b"second", "the file")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


def test_the_renaming_itself_is_put_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    write_json(tmp_path / "file", {"a": 1})
    assert synced == [False, True]


def test_left_overs_of_the_dead_go_and_drafts_of_the_living_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = [f"{HERE}-{dead.pid}-0a.part", ".course_utils-elsewhere-1-old.part"]
    stay = [f"{HERE}-{os.getppid()}-0a.part", ".course_utils-elsewhere-1-new.part", ".file.part", f"{HERE}-x-0a.part"]
    for name in (*gone, *stay):
        (tmp_path / name).write_bytes(b"ha")
    os.utime(tmp_path / gone[1], (0, 0))
    write_whole(tmp_path / "file", b"whole", "the file")
    assert names(tmp_path) == sorted([*stay, "file"])


def test_a_planted_link_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.files.secrets.token_hex", lambda n: "guessed")
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    draft = tmp_path / f"{HERE}-{os.getpid()}-guessed.part"
    draft.symlink_to(precious)
    with pytest.raises(OSError, match="could not save the file"):
        write_whole(tmp_path / "file", b"yours", "the file")
    draft.unlink()
    (tmp_path / "file").symlink_to(precious)
    write_whole(tmp_path / "file", b"yours", "the file")
    assert precious.read_bytes() == b"mine"
    assert (tmp_path / "file").read_bytes() == b"yours"


def test_only_a_file_is_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="could not save it"):
            write_whole(place, b"", "it")
    assert names(tmp_path) == ["pipe"]


def _writes(path: Path, letter: str) -> None:
    for _ in range(50):
        write_whole(path, letter.encode() * 100_000, "the file")


def test_processes_that_write_one_file_at_once_leave_a_whole_one(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_writes, args=(tmp_path / "file", letter)) for letter in "abcd"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if (tmp_path / "file").exists():
            content = (tmp_path / "file").read_bytes()
            assert (len(content), len(set(content))) == (100_000, 1)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    assert names(tmp_path) == ["file"]
