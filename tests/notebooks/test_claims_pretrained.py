"""What lesson 07 says of the recorded network, sentence by sentence; what it says of training, benchmarks.claims."""

import numpy as np
import pytest
from keras import ops

from course_utils.data.images import photographs
from course_utils.figures import resized
from course_utils.models import adapt, load_trained
from course_utils.results.cards import Seeds, folder, read
from tests.notebooks.test_claims import says

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def network():
    return load_trained("vit_course")


def answers(model, images):
    return ops.convert_to_numpy(model(images.astype("float32"))).argmax(axis=1)


def test_with_interpolated_positions_it_most_often_says_the_same_and_with_others_less_often(network):
    says(
        "07_pretrained",
        "With interpolated positions the network most often still says what it said of the small piece, with any "
        "others less often.",
    )
    images = np.concatenate(
        [image.reshape(8, 32, 8, 32, 3).swapaxes(1, 2).reshape(64, 32, 32, 3) for image in photographs(256).values()]
    )
    larger = adapt(network, 100, image_size=48)
    larger.layers[-1].set_weights(network.layers[-1].get_weights())
    position, said = larger.get_layer("position_embedding"), answers(network, images)
    (interpolated,) = position.get_weights()
    (old,) = network.get_layer("position_embedding").get_weights()

    def alike(vectors):
        position.set_weights([vectors])
        return (answers(larger, resized(images, (48, 48))) == said).mean()

    right = alike(interpolated)
    assert right > 0.5
    others = [np.resize(old, interpolated.shape), np.zeros_like(interpolated)]
    others += [np.random.default_rng(seed).permutation(interpolated) for seed in range(3)]
    assert max(map(alike, others)) < right - 0.1


def test_the_recorded_ways_to_use_a_trained_network():
    says(
        "07_pretrained",
        "With 5 and with 20 images of each class the linear probe is ahead, with 100 fine-tuning. From scratch is last "
        "each time.",
    )
    runs = read(folder() / "seeds" / "transfer.json", Seeds).runs
    reached = {title: [run.test.top1 for run in found] for title, found in runs.items()}
    assert {len(found) for title, found in runs.items() if title != "pre-training"} == {5}
    for images, order in (
        (5, ("linear probe", "fine-tuned", "from scratch")),
        (20, ("linear probe", "fine-tuned", "from scratch")),
        (100, ("fine-tuned", "linear probe", "from scratch")),
    ):
        with_each_seed = zip(*(reached[f"{way}, {images} images a class"] for way in order), strict=True)
        assert all(list(top1) == sorted(top1, reverse=True) for top1 in with_each_seed), images
