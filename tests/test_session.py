import os
import sys

import keras
import pytest

from course_utils import data, models, session
from course_utils.models import CONFIGS


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("COURSE_PROFILE", "COURSE_DATA", "COURSE_DATASET", "COURSE_DRY_RUN", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "found", "asked", "profile", "said", "unsaid"),
    [
        ({}, [], None, "quick", ["device:   CPU", "data:     shapes"], ["T4", "dry run"]),  # the advice is for Colab
        ({"COLAB_RELEASE_TAG": "release"}, [], None, "quick", ["Change runtime type → T4 GPU"], []),
        ({}, ["Tesla T4"], None, "colab", ["device:   Tesla T4"], []),
        ({"COURSE_PROFILE": "full"}, ["Tesla T4"], None, "full", [], []),
        ({"COURSE_PROFILE": "full"}, ["Tesla T4"], "quick", "quick", [], []),
        ({"COURSE_DRY_RUN": "1"}, [], None, "quick", ["dry run: one short epoch wherever the lesson trains; no f"], []),
    ],
)
def test_setup_reports_and_chooses(variables, found, asked, profile, said, unsaid, capsys, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "accelerators", lambda: found)
    assert session.setup(asked) == profile
    out = capsys.readouterr().out
    assert all(text in out for text in (f"keras {keras.__version__}", *said))
    assert not any(text in out for text in unsaid)


def test_an_unknown_profile_is_named(monkeypatch):
    with pytest.raises(ValueError, match="profile should be 'quick', 'colab' or 'full', but it is 'fast'"):
        session.setup("fast")
    monkeypatch.setenv("COURSE_PROFILE", "slow")
    with pytest.raises(ValueError, match="but it is 'slow'"):
        session.setup()


def test_a_keras_that_computes_wrong_gradients_is_refused(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.0.1")
    with pytest.raises(ImportError, match=r"Keras 3.0.1 is too old.*Install keras>=3.8"):
        session.setup()


def test_what_libraries_write_while_loading_is_shown_only_if_loading_fails(capfd):
    with session._quiet_start():
        os.write(2, b"chatter\n")
    assert "chatter" not in capfd.readouterr().err

    def load():
        with session._quiet_start():
            os.write(2, b"cannot find libfoo\n")
            raise ImportError("foo")

    with pytest.raises(ImportError, match="foo"):
        load()
    sys.stderr.flush()
    assert "cannot find libfoo" in capfd.readouterr().err


def test_data_follow_profile_folder_and_variable(monkeypatch, tmp_path):
    assert session.choose_data("quick") == "shapes"
    assert session.choose_data("colab") == "cifar100"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert session.choose_data("quick") == "shapes"
    (tmp_path / "cifar100.npz").touch()
    assert session.choose_data("quick") == "cifar100"
    monkeypatch.setenv("COURSE_DATA", "nowhere")
    with pytest.raises(ValueError, match="COURSE_DATA is set to 'nowhere', which is not a folder"):
        session.choose_data("quick")
    for known in ("fashion_mnist", str(tmp_path)):
        monkeypatch.setenv("COURSE_DATASET", known)
        assert session.choose_data("quick") == known
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_DATASET", "~")
    assert session.choose_data("quick") == "~"
    monkeypatch.setenv("COURSE_DATASET", "nope")
    with pytest.raises(ValueError, match=r"COURSE_DATASET should be 'shapes', .*, but it is 'nope'"):
        session.setup("quick")


class Photographs:
    """CIFAR-100, as far as a plan asks for it: how many training images it has."""

    def __init__(self, train=45_000):
        self.train = train

    def subset(self, train, validation, test):
        return Photographs(train)


@pytest.mark.parametrize(
    ("lesson", "profile", "name", "config", "epochs"),
    [
        ("vit", "quick", "shapes", "vit_tiny", 6),
        ("small_data_vit", "quick", "shapes", "small_data_vit_tiny", 6),
        ("side_by_side", "quick", "shapes", "tiny", 5),
        ("gmlp", "quick", "cifar100", "gmlp_tiny", 3),
        ("mixer", "colab", "cifar100", "mixer_course", 15),
        ("side_by_side", "colab", "cifar100", "course", 8),
        ("small_data_vit", "full", "cifar100", "small_data_vit_course", 50),
        ("fnet", "colab", "shapes", "fnet_tiny", 7),  # the variable says so
    ],
)
def test_a_lesson_trains_what_its_profile_can(monkeypatch, capsys, lesson, profile, name, config, epochs):
    monkeypatch.setenv("COURSE_DATASET", name)
    monkeypatch.setattr(data, "load_dataset", {"shapes": data.load_dataset, "cifar100": lambda _: Photographs()}[name])
    dataset, named, how = session.lesson_plan(lesson, profile)
    assert (named, how.epochs) == (config, epochs)
    assert how.name == ("quick" if name == "shapes" else "course" if profile == "full" else "short")
    assert named in CONFIGS or lesson == "side_by_side"
    if name == "cifar100":
        assert dataset.train == (5000 if profile == "quick" else 45_000)
    assert capsys.readouterr().out == f"{dataset}\n{how}\n"


def test_a_plan_for_nobody_is_refused():
    with pytest.raises(ValueError, match=r"lesson should be 'mixer', .*'side_by_side', but it is 'resnet'"):
        session.lesson_plan("resnet", "quick")
    with pytest.raises(ValueError, match="profile should be 'quick', 'colab' or 'full', but it is 'fast'"):
        session.lesson_plan("vit", "fast")


def test_a_published_network_is_fetched_only_when_asked_for(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(models, "load_published", lambda name: asked.append(name) or "the network")
    assert session.published("vit_ti16", False) is None
    assert asked == []
    assert session.published("vit_ti16", True) == "the network"
    with pytest.raises(ValueError, match="published: fetch should be"):
        session.published("vit_ti16", "no")
    assert capsys.readouterr().out == ""


def test_without_the_published_network_a_lesson_goes_on(capsys):
    assert session.published("vit_huge", True) is None
    said = capsys.readouterr().out
    assert said.startswith("Not shown: load_published: unknown network 'vit_huge'; choose from ")
    assert len(said.splitlines()) == 1
