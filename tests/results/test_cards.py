"""Cards: written whole, read by one reader that refuses what is wrong by its field."""

import json
import math
from dataclasses import replace

import pytest

from course_utils.results import cards
from course_utils.results.cards import CardError, Examples, Reported, Seeds, Speed, every, read, recorded, write
from course_utils.training.run import Run

NAME = "mixer_course_cifar100_short"


@pytest.fixture
def run():
    return recorded(NAME)


def test_a_card_can_be_read_back(run, tmp_path):
    unfinished = replace(run, test=None)
    unfinished.history["loss"][1] = math.nan
    path = unfinished.save_card(tmp_path / "card.json")
    found = read(path)
    assert found.history["loss"][1] is None  # NaN is no JSON
    found.history["loss"][1] = unfinished.history["loss"][1] = 0.0
    assert found == unfinished
    assert [file.name for file in tmp_path.iterdir()] == ["card.json"]


KINDS = {
    NAME: Run,
    "seeds/gate_bias": Seeds,
    "reported/keras_io": Examples,
    "reported/small_data_paper": Reported,
    "speed/vit": Speed,
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_every_kind_of_card_is_read_and_written_by_the_same_functions(name, kind, tmp_path):
    card = recorded(name, kind)
    assert read(write(tmp_path / "card.json", card), kind) == card
    with pytest.raises(CardError, match="format must be"):
        recorded(name, Examples if kind is Speed else Speed)
    for wrong in (int, "Run", None):
        with pytest.raises(ValueError, match="recorded: kind should be"):
            recorded(name, wrong)


def test_a_dry_run_says_so_and_is_never_a_card(run, tmp_path):
    run.dry_run = True
    assert repr(run).startswith("Run(dry run, no result: mixer course on cifar100")
    with pytest.raises(ValueError, match=r"save_card: this run is a dry run.*no results"):
        run.save_card(tmp_path / "card.json")
    assert list(tmp_path.iterdir()) == []


def damaged(change) -> str:
    """Returns the text of a card in which something was changed."""
    card = json.loads((cards.folder() / f"{NAME}.json").read_text())
    change(card)
    return json.dumps(card)


def setting(*path, to):
    def change(card):
        for key in path[:-1]:
            card = card[key]
        card[path[-1]] = to

    return change


HOSTILE = [
    (bytes(range(256)), "is not a result card: it is not JSON"),
    ("[" * 100_000, "it is not JSON"),
    ('{"a": 1' + "0" * 5000 + "}", "it is not JSON"),
    ('{"format": "other"}', "format must be .* but it is 'other'"),
    (damaged(lambda card: card.pop("model")), "model is missing"),
    (damaged(setting("colour", to="red")), "there is no 'colour'"),
    (damaged(setting("model", "config", "depth", to="4")), r"model.config.depth should be .* integer, but it is '4'"),
    (damaged(setting("model", "config", "mixing", to="x")), r"Config: mixing must be one of .*, but it is 'x'"),
    (damaged(setting("model", "parameters", to=10**400)), r"model.parameters should be less than or equal to"),
    (damaged(setting("recipe", "name", to="<b>\u0007")), r"recipe.name should hold no control characters"),
    (damaged(setting("recipe", "learning_rate", to=math.nan)), r"recipe.learning_rate should be a finite number"),
    (damaged(setting("dataset", "name", to="x" * 200_000)), r"dataset.name should have at most 200 characters"),
    (damaged(setting("history", to={"y" * 500: []})), r"history.yyy.* should have at most 200 characters"),
    (damaged(setting("history", "loss", to=[2.0])), r"Run: history must have as many numbers of each kind"),
    (damaged(setting("history", "val_accuracy", to=[None] * 8)), r"history.val_accuracy should be a number for each"),
    (damaged(setting("history", "seconds", to=[-1.0] * 8)), r"history.seconds should be a number .* 0 or more"),
    (damaged(lambda card: card["history"].pop("cpu_seconds")), r"history.cpu_seconds should be a number for each"),
    (damaged(setting("model", "num_classes", to=7)), r"Run: model.num_classes must be 100, but it is 7"),
    (damaged(setting("recipe", "epochs", to=3)), r"Run: recipe.epochs must be at least 8, but it is 3"),
    (damaged(setting("best_epoch", to=9)), r"Run: best_epoch must be from 1 to 8, but it is 9"),
    (damaged(setting("best_epoch", to=0)), r"Run: best_epoch must be from 1 to 8, but it is 0"),
    (damaged(setting("test", "top5", to=0.1)), r"Measured: top5 must be at least top1=0.\d+, but it is 0.1"),
    (damaged(setting("model", "parameters", to=-1)), r"model.parameters should be greater than or equal to 1"),
    (damaged(setting("dry_run", to=True)), r"dry_run should be False: the figures of a dry run are no results"),
    (damaged(setting("history", "", to=[1.0] * 8)), r"history.* should have at least 1 character, but it is ''"),
    (
        damaged(setting("history", "val_accuracy", to=[7.0] * 8)),
        r"history\['val_accuracy'\] must hold shares from 0 to 1",
    ),
    (" " * 10_000_001, "is no result card: it has more than 10 MB"),
    (damaged(setting("test", "top1", to=39)), r"test.top1 should be less than or equal to 1, but it is 39"),
    (damaged(setting("versions", "keras", to="\ud800")), "it is not JSON .*surrogates not allowed"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=map(str, range(len(HOSTILE))))
def test_a_damaged_or_hostile_card_is_refused_by_field(tmp_path, text, message):
    (tmp_path / "card.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CardError, match=message) as raised:
        read(tmp_path / "card.json")
    assert len(str(raised.value)) < 500 + len(str(tmp_path))
    assert str(raised.value).isprintable()


def test_a_damaged_timing_is_refused_by_field():
    card = recorded("speed/vit", Speed)
    with pytest.raises(ValueError, match=r"^Speed: training_step.plain.0 should be greater than 0, but it is 0.0$"):
        replace(card, training_step={"plain": [0.0]})
    with pytest.raises(ValueError, match=r"^Speed: inference.ours should have at least 1 item"):
        replace(card, inference={"ours": []})
    with pytest.raises(ValueError, match=r"^Speed: every side must have as many rounds$"):
        replace(card, inference={"plain": [1.0, 2.0], "ours": [1.0]})


def test_one_broken_card_is_named_and_the_others_stand(run, tmp_path):
    run.save_card(tmp_path / "whole.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.warns(UserWarning, match=r"broken.json is not a result card.*This card is left out"):
        found = every(inside=tmp_path)
    assert found == {tmp_path / "whole.json": run}


def test_a_missing_card_is_named(tmp_path):
    for place in (tmp_path, tmp_path / "card.json", "~/no card.json"):
        with pytest.raises(FileNotFoundError, match="there is no result card at"):
            read(place)
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f"read: path must be a path, but it is {wrong}"):
            read(wrong)
        with pytest.raises(ValueError, match=f"recorded: name should be a valid string, but it is {wrong}"):
            recorded(wrong)
    with pytest.raises(FileNotFoundError, match=r"there is no result card 'nothing'; there are .*mixer_course"):
        recorded("nothing")


def test_every_recorded_run_was_chosen_on_validation_images():
    found = {**every(), **every("repeated/*")}
    assert len(found) >= 26
    for path, run in found.items():
        assert 1 <= run.best_epoch <= run.epochs
        kept = run.history[run.recipe.keep]
        best = min(kept) if run.recipe.keep == "val_loss" else max(kept)
        assert kept[run.best_epoch - 1] == best, path.name  # never on test
        assert run.test.top1 <= run.test.top5


@pytest.mark.parametrize("pattern", ["/etc/*", "../*"])
def test_a_pattern_stays_in_the_folder_of_the_cards(pattern):
    with pytest.raises(ValueError, match=r"every: pattern must be of files inside the folder, such as 'speed/\*', but"):
        every(pattern)
