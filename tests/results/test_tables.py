"""Tables from cards: each paper's runs by what their configuration says, beside its keras.io example."""

from dataclasses import replace

import pytest

from benchmarks import transfer
from benchmarks.seeds import EXPERIMENTS
from course_utils.models import CONFIGS, named_config
from course_utils.papers import PAPERS, WITH_KERAS_IO
from course_utils.results import cards, tables
from course_utils.results.cards import Examples, Seeds, recorded, write
from course_utils.training.recipes import recipe
from course_utils.training.run import Measured

LONG = recorded("mixer_course_cifar100_long")
EXAMPLES = recorded("reported/keras_io", Examples)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder of recorded cards, but for the keras.io examples'."""
    monkeypatch.setattr(cards, "folder", lambda: tmp_path)
    for room in ("seeds", "reported"):
        (tmp_path / room).mkdir()
    write(tmp_path / "reported" / "keras_io.json", EXAMPLES)
    return tmp_path


def made(config, parameters=1, data="cifar100", epochs=2, top1=0.876, top5=0.99, **changes):
    """Returns a finished run of a configuration, by name or as it is."""
    config = CONFIGS[config] if isinstance(config, str) else config
    curves = LONG.history | {"cpu_seconds": [30.0, 60.0, 90.0, 9.0]}
    history = {key: values[:epochs] for key, values in curves.items()}
    model = replace(LONG.model, config=config, parameters=parameters)
    made_of = {"model": model, "dataset": replace(LONG.dataset, name=data), "history": history, "best_epoch": 1}
    return replace(LONG, **{**made_of, "test": Measured(1.0, top1, top5), **changes})


def save(folder, *runs):
    for k, run in enumerate(runs):
        run.save_card(folder / f"card_{k}.json")


def test_each_run_of_the_paper_is_a_row_and_the_keras_io_example_comes_last(folder):
    others = made("small_data_vit_tiny", 7), made("vit_tiny", 1, test=None)
    changed = made(named_config("vit_tiny", depth=3), 6, seed=2)
    save(folder, made("vit_course", 9, "shapes"), made("vit_tiny", 5, "shapes", top5=None), changed, *others)
    rows = tables.measured("vit")
    names = ["vit tiny, depth=3, seed 2", "vit tiny", "vit course"]
    assert [row[""] for row in rows[:-1]] == [f"this course, {name}" for name in names]
    assert (rows[1]["test top-1"], rows[1]["test top-5"]) == ("87.6 %", None)
    assert (rows[1]["CPU minutes"], rows[1]["epochs"], rows[1]["recipe"]) == ("1.5", 2, "long")
    assert rows[-1][""] == "the keras.io example"
    assert rows[-1]["test top-1"] == "55.1 %"
    assert [row["parameters"] for row in tables.measured("small_data_vit")[:-1]] == [7]


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_with_or_without_a_keras_io_example_works_everywhere(folder, paper):
    save(folder, made(f"{paper}_course", recipe=recipe("short")))
    ours, *theirs = tables.measured(paper)
    assert ours["test top-1"] == "87.6 %"
    assert len(theirs) == (paper in WITH_KERAS_IO)
    (row,) = tables.at_the_same_epoch("short")
    assert (row["its test top-1"] is not None) == (paper in WITH_KERAS_IO)
    assert len(tables.comparison({paper: tables.course_runs(paper)})) == 1 + (paper in WITH_KERAS_IO)


def test_a_broken_card_is_named_and_the_tables_of_the_others_stand(folder):
    save(folder, made("fnet_course"))
    (folder / "broken.json").write_text("[]")
    (folder / "reported" / "keras_io.json").write_text("{}")
    with pytest.warns(UserWarning, match="left out") as told:
        (row,) = tables.measured("fnet")
    assert row["test top-1"] == "87.6 %"
    assert {str(warning.message).split(".json")[0].split("/")[-1] for warning in told} == {"broken", "keras_io"}


def test_an_unknown_paper_is_named(folder):
    for ask in (tables.measured, tables.course_runs):
        with pytest.raises(ValueError, match=r"paper should be 'mixer', 'fnet', 'gmlp', .* but it is 'resnet'"):
            ask("resnet")


def test_longer_runs_stand_above_their_keras_io_example_as_far_as_each_goes():
    long = made("fnet_course", epochs=4)
    long.history |= {"val_accuracy": [0.1, 0.2, 0.3, 0.4], "accuracy": [0.1, 0.2, 0.3, 0.456]}
    short = made("fnet_course")
    rows = tables.comparison({"fnet": [short, long], "gmlp": [made("gmlp_course")]})
    example = "its keras.io example"
    assert [row["network"] for row in rows] == ["fnet course", "fnet course", example, "gmlp course", example]
    heading = "validation top-1 after epochs 1, 2, 4"
    assert rows[0][heading] == tables.percents(short.history["val_accuracy"])
    assert (rows[1][heading], rows[2][heading]) == ("10.0, 20.0, 40.0 %", "11.8, 15.4, 23.3 %")
    assert [row["epochs"] for row in rows] == [2, 4, 50, 2, 50]
    assert rows[1]["training top-1, last epoch"] == "45.6 %"
    assert (rows[2]["test top-1"], rows[4]["test top-1"]) == ("46.6 %", "50.6 %")


def test_the_runs_of_a_course_network_are_told_by_their_configuration(folder):
    short, long = made("vit_course", 9), made("vit_course", 9, epochs=3)
    mimetic = made(named_config("vit_course", attention_start="mimetic"), 10)
    others = [made("vit_tiny"), made(named_config("vit_course", depth=3)), made("small_data_vit_course")]
    others += [made("vit_course", data="shapes"), made("vit_course", recipe=recipe("paper"))]
    save(folder, long, *others, short, mimetic)
    assert tables.course_runs("vit") == [short, long, mimetic]
    deep = [run for run in tables.runs_of("vit") if run.model.config.depth == 3]
    assert tables.course_runs("vit", any_depth=True) == [*deep, short, long, mimetic]
    assert tables.course_runs("no_mixing", any_depth=True) == []


def test_the_best_run_is_the_one_that_the_validation_images_prefer(folder):
    first, second, deep = made("vit_course", top1=0.9), made("vit_course"), made(named_config("vit_course", depth=6))
    for run, shares in ((first, [0.2, 0.3]), (second, [0.5, 0.4]), (deep, [0.4, 0.6])):
        run.history |= {"val_accuracy": shares}
    save(folder, first, second, deep, made("gmlp_course"))
    assert tables.best_run("vit") == second, "of each run the epoch counts whose weights were kept"
    assert tables.best_run("fnet") is None
    one, other = tables.best()
    assert (one["network"], one["its keras.io example's"]) == ("gmlp course", "50.6 % (50 epochs)")
    assert (other["validation top-1"], other["its keras.io example's"]) == ("50.0 %", "55.1 % (100 epochs)")


def test_a_run_stands_beside_the_keras_io_curve_at_the_same_epoch(folder):
    ours = made("fnet_course", 9, recipe=recipe("short"))
    ours.history |= {"val_accuracy": [0.2, 0.3], "cpu_seconds": [60.0, 120.0]}
    save(folder, ours, made("gmlp_course"))
    (row,) = tables.at_the_same_epoch("short")
    assert (row["network"], row["CPU minutes"], row["validation top-1"]) == ("fnet course", "3", "30.0 %")
    assert row["keras.io example, same epoch"] == "15.4 %"
    assert row["it gets there after"] == "9 epochs"  # 29.96 % after 8, 31.12 % after 9
    assert row["its test top-1"] == "46.6 % (50 epochs)"
    ours.history["val_accuracy"] = [0.2, 0.9]
    save(folder, ours)
    assert tables.at_the_same_epoch("short")[0]["it gets there after"] == "not in 50 epochs"


def test_runs_with_several_seeds_are_one_table(folder):
    runs = [made("vit_tiny", seed=seed, top1=share) for seed, share in enumerate((0.30, 0.32, 0.37))]
    runs[1].history["val_accuracy"] = [0.25, 0.5]
    write(folder / "seeds" / "trial.json", Seeds({"plain": runs, "alone": runs[:1], "to come": []}))
    assert tables.seeds("trial") == [
        {"network": "plain", "seed 0": "30 %", "seed 1": "32 %", "seed 2": "37 %"},
        {"network": "alone", "seed 0": "30 %"},
    ]
    assert tables.seeds("trial", epoch=2)[0]["seed 1"] == "50 %"
    with pytest.raises(ValueError, match="epoch should be less than or equal to 2, but it is 3"):
        tables.seeds("trial", epoch=3)
    several, one = tables.mean_and_deviation("trial")
    assert (several["seed 0"], several["seed 2"]) == ("30.0 %", "37.0 %")
    assert (several["mean"], several["standard deviation"]) == ("33.0 %", "3.6")
    assert (one["mean"], one["standard deviation"]) == ("30.0 %", None)


@pytest.mark.parametrize("name", [path.stem for path in cards.every("seeds/*", Seeds) if path.stem != "transfer"])
def test_the_recorded_seeds_are_those_of_their_experiments(name):
    experiment, found = EXPERIMENTS[name], recorded(f"seeds/{name}", Seeds).runs
    assert list(found) == list(experiment.networks)
    for title, runs in found.items():
        assert [run.seed for run in runs] == list(range(experiment.seeds))
        assert {run.epochs for run in runs} == {recipe(experiment.recipe).epochs}
        for run in runs:
            assert run.model.config == experiment.networks[title]
            assert run.recipe.same_as(recipe(experiment.recipe))


def test_the_recorded_transfer_is_that_of_its_benchmark():
    runs = dict(recorded("seeds/transfer", Seeds).runs)
    (first,) = runs.pop("pre-training")
    assert first.recipe.same_as(recipe(transfer.PRE_TRAINING))
    assert not first.trained_before
    assert list(runs) == [f"{way}, {images} images a class" for images in transfer.IMAGES for way in transfer.RATES]
    for title, found in runs.items():
        way, images = title.removesuffix(" images a class").split(", ")
        assert [run.seed for run in found] == list(range(transfer.SEEDS))
        for run in found:
            assert run.model.config == first.model.config == named_config(transfer.NETWORK)
            assert run.dataset.name == f"cifar100: 10 classes, {images} images each"
            assert run.trained_before == (way != "from scratch")
            assert run.recipe.same_as(replace(transfer.ADAPTING, learning_rate=transfer.RATES[way]))
