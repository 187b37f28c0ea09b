"""What lessons 04 to 06 say of recorded and untrained networks and of recorded runs, sentence by sentence."""

import numpy as np
import pytest

from course_utils import analysis
from course_utils.data import load_dataset
from course_utils.data.images import photographs
from course_utils.explorers.influence import TOUCHED
from course_utils.models import blocks, classifier, load_trained
from course_utils.papers import PAPERS
from course_utils.results import cards
from course_utils.results.tables import best_run, course_runs
from tools.lesson import SOURCES

pytestmark = pytest.mark.one_backend


def says(lesson: str, sentence: str) -> None:
    """Asserts that a lesson still says so: a claim that is reworded is looked at again."""
    text = " ".join((SOURCES / f"{lesson}.py").read_text(encoding="utf-8").replace("\n# ", " ").split())
    assert sentence in text


def test_in_the_recorded_vit_near_positions_are_alike():
    says("04_vit", "Nobody told this network that the positions form a grid: it found out.")
    similarity = analysis.position_similarity(load_trained("vit_course"))
    row, column = np.divmod(np.arange(64), 8)
    apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
    one, two, three = (similarity[apart == steps].mean() for steps in (1, 2, 3))
    assert one > 0.5
    assert one > two + 0.2 > three + 0.4


def test_in_the_recorded_vit_heads_spread_out_with_depth():
    says("04_vit", "By epoch 8 the most local head of each block looks less far than after epoch 1.")
    says("04_vit", "It looks a little further from block to block;")
    says("04_vit", "in the last block one looks further than a head that looks everywhere alike")
    images = np.stack(list(photographs(32).values()))
    early, far = (  # (blocks, heads)
        analysis.mean_attention_distance(analysis.attention(load_trained("vit_course", epoch), images), (8, 8), 4).mean(
            axis=1
        )
        for epoch in (1, 8)
    )
    assert (far.min(axis=1) < early.min(axis=1)).all()
    everywhere = analysis.mean_attention_distance(np.full((64, 64), 1 / 64), (8, 8), 4)
    assert (np.diff(far.min(axis=1)) > 0).all()
    assert far[0].min() < 0.7 * everywhere
    assert far[-1].max() > everywhere


def test_the_recorded_temperatures_fall_and_then_all_rise():
    says("05_small_data_vit", "Most go down at first, and then all of them *up*")
    first, last = (analysis.temperatures(load_trained("small_data_vit_course", epoch)) for epoch in (1, 8))
    assert (first < 32**0.5).mean() > 0.5
    assert (last > 32**0.5).all()


def rank_correlation(a, b):
    return np.corrcoef(np.ravel(a).argsort().argsort(), np.ravel(b).argsort().argsort())[0, 1]


def test_a_convolution_reaches_nine_tokens_and_attention_all():
    says("04_vit", "The convolution reaches nine tokens, in every image. Attention reaches all 64 in one block")
    cat, token = photographs(32)["cat"], 27
    conv = load_trained("conv_course")
    reached = analysis.influence(conv, cat, 1, gradients=64)[token].reshape(8, 8) > 0
    assert reached[2:5, 2:5].all()
    assert reached.sum() == 9
    assert (analysis.attention(load_trained("vit_course"), cat[None])[0, 0, :, token] > 0).all()


def test_rollout_and_influence_agree_more_than_either_does_with_occlusion():
    says("04_vit", "Rollout and influence agree with each other more than either agrees with occlusion.")
    network = load_trained("vit_course")
    for photo in photographs(32).values():
        rolled = analysis.rollout(analysis.attention(network, photo[None])[:, 0])[-1].mean(axis=0)
        moved = analysis.influence(network, photo, 4, gradients=256).sum(axis=0)
        logits = network.predict(photo[None].astype("float32"), verbose=0)
        lost = analysis.occlusion(network, photo, int(logits.argmax()))
        with_occlusion = max(rank_correlation(rolled, lost), rank_correlation(moved, lost))
        assert rank_correlation(rolled, moved) > with_occlusion + 0.2


def test_most_parameters_of_the_keras_io_vit_are_in_its_head():
    says("04_vit", "layers of 2048 and 1024 on top, with 97 of 100 of its parameters")
    n, d, classes = 144, 64, 100
    vit = classifier("vit", (72, 72, 3), classes, patch_size=6, embed_dim=d, depth=8, num_heads=4, channels_mlp_dim=128)
    wide_heads = 4 * (3 * (d * d + d) + d * d) + d  # each of the 4 as wide as a token; one bias at the end
    attention = blocks(vit)[0].attention.count_params()
    inside = vit.count_params() - vit.get_layer("head").count_params() + 8 * (wide_heads - attention)
    head = sum(a * b + b for a, b in ((n * d, 2048), (2048, 1024), (1024, classes)))
    assert round(100 * head / (head + inside)) == 97


def test_what_lesson_05_reads_from_the_table_of_seeds():
    says("05_small_data_vit", "The first column alone would have told you that SPT halves the accuracy.")
    says("05_small_data_vit", "In the second SPT is far ahead. In the third hardly anything has started.")
    says("05_small_data_vit", "In every column the control stays at chance")
    says("05_small_data_vit", "no network with SPT gets beyond 60 %")
    runs = cards.recorded("seeds/spt_and_lsa", cards.Seeds).runs
    reached = {name: [run.test.top1 for run in found] for name, found in runs.items()}
    assert reached["plain ViT"][0] > 1.7 * reached["SPT"][0]
    plain = [name for name in reached if "SPT" not in name]
    assert reached["SPT"][1] > max(reached[name][1] for name in plain) + 0.2
    assert max(found[2] for found in reached.values()) < 0.2
    assert max(reached["SPT with shift 0"]) < 0.08
    assert max(max(reached[name]) for name in reached if "SPT" in name) < 0.6


def test_what_lesson_05_reads_from_the_table_of_photographs():
    says("05_small_data_vit", "LSA makes no difference that another seed would not make.")
    says("05_small_data_vit", "SPT *costs* about three points, with every seed.")
    runs = cards.recorded("seeds/spt_and_lsa_cifar100", cards.Seeds).runs
    plain, lsa, spt = ([100 * run.test.top1 for run in runs[name]] for name in ("plain ViT", "LSA", "SPT"))
    assert abs(np.mean(plain) - np.mean(lsa)) < max(plain) - min(plain)
    assert all(2 < a - b < 4 for a, b in zip(plain, spt, strict=True))


def test_with_64_tokens_spt_is_ahead_and_lsa_still_is_not():
    says("05_small_data_vit", "Now as many tokens as the paper has, 64, again 8 epochs, but with Muon for AdamW:")
    says("05_small_data_vit", "SPT *brings* seven points and more, with every seed. The tokens, or the recipe?")
    few, many = (cards.recorded(f"seeds/spt_and_lsa_{name}", cards.Seeds).runs for name in ("cifar100", "64_tokens"))
    plain, lsa, spt = ([100 * run.test.top1 for run in many[name]] for name in ("plain ViT", "LSA", "SPT"))
    assert len(plain) == 3
    assert all(b - a >= 7 for a, b in zip(plain, spt, strict=True))
    assert abs(np.mean(plain) - np.mean(lsa)) < max(plain) - min(plain)
    assert {(run.model.tokens, run.epochs, run.recipe.optimizer) for runs in many.values() for run in runs} == {
        (64, 8, "muon")
    }
    assert {run.recipe.optimizer for runs in few.values() for run in runs} == {"adamw"}


def test_the_papers_recipe_cut_short_tells_the_two_networks_hardly_apart():
    says("05_small_data_vit", "cut to 18 epochs: there the two networks differ by less than a point")
    names = ("small_data_vit_course_cifar100_paper_18_epochs", "small_data_vit_course_plain_cifar100_paper_18_epochs")
    one, other = (cards.recorded(name).test.top1 for name in names)
    assert abs(one - other) < 0.01


def test_overfitting_and_what_mixing_images_does_to_the_training_accuracy():
    says("05_small_data_vit", "at the end 20 points lie between them")
    says("05_small_data_vit", "the training accuracy is *below* the validation accuracy for the first 23 epochs")
    says("05_small_data_vit", "at 54 instead of 50 %. (It had 50 epochs instead of 30; after 30 it is ahead already.)")
    plain, mixing = (cards.recorded(f"mixer_course_cifar100_{recipe}") for recipe in ("long", "course"))
    ahead = [np.subtract(run.history["accuracy"], run.history["val_accuracy"]) for run in (plain, mixing)]
    assert round(100 * ahead[0][-1]) == 20
    assert (ahead[1][:23] < 0).all()
    assert ahead[1][23] >= 0
    assert [round(100 * run.test.top1) for run in (mixing, plain)] == [54, 50]
    assert (mixing.epochs, plain.epochs) == (50, 30)
    assert mixing.history["val_accuracy"][29] > plain.history["val_accuracy"][29]


def test_what_lesson_06_says_of_the_untrained_networks():
    says("06_side_by_side", "**None** lights one token, at every depth. So does the **gate**, but for a trace")
    says("06_side_by_side", "**MLP**, **attention** and **SPT + LSA** light all tokens, the token itself most")
    says("06_side_by_side", "**Fourier** lights all tokens in the first block")
    says("06_side_by_side", "**Convolution** lights the token's neighbours alone, with the second block two steps far.")
    puzzle = load_dataset("shapes")
    row, column = np.divmod(np.arange(16), 4)
    apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))

    def lit(paper, depth):
        network = classifier(paper, puzzle.input_shape, puzzle.num_classes, seed=0)
        values = analysis.influence(network, puzzle.x_test[0], depth)
        return values, values > TOUCHED * values.max(axis=1, keepdims=True)

    for depth in (1, 2):
        np.testing.assert_array_equal(lit("no_mixing", depth)[1], np.eye(16, dtype=bool))
        values, _ = lit("gmlp", depth)
        assert values[apart > 0].max() < 1e-3 * values.diagonal().min()
        for paper in ("mixer", "vit", "small_data_vit"):
            values, touched = lit(paper, depth)
            assert touched.all()
            assert (values.argmax(axis=1) == np.arange(16)).all()
        np.testing.assert_array_equal(lit("conv", depth)[1], apart <= depth)
    assert lit("fnet", 1)[1].all()


def test_the_convolution_was_slow_not_unable():
    says("06_side_by_side", "It was slow, not unable.")
    runs = cards.recorded("seeds/convolution", cards.Seeds).runs["convolution"]
    assert len(runs) == 3
    for run in runs:
        assert run.history["val_accuracy"][6] < 0.1
        assert run.test.top1 > 0.99


def test_the_recorded_networks_had_one_recipe_and_one_seed():
    says("06_side_by_side", "Trained on CIFAR-100 for 8 epochs, one recipe, one seed:")
    told = [run for paper in PAPERS for run in course_runs(paper) if run.recipe.label == "muon_short"]
    assert len(told) >= 4
    assert {(run.dataset.name, run.seed, run.epochs) for run in told} == {("cifar100", 0, 8)}
    assert all(run.recipe == told[0].recipe for run in told)
    says("06_side_by_side", "a convolution assumes just that, and leads after 8 epochs")
    assert max(told, key=lambda run: run.test.top1).model.config.mixing == "conv"
    says("06_side_by_side", "And why does the CNN no longer lead?")
    longest = [best_run(paper) for paper in PAPERS if best_run(paper)]
    assert {run.epochs for run in longest} == {50}
    assert max(longest, key=lambda run: run.test.top1).model.config.mixing == "small_data_vit"
