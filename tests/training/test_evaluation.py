import keras
import numpy as np
import pytest

from course_utils.data.progress import ProgressBar
from course_utils.models import classifier
from course_utils.training import evaluate, evaluation


def test_evaluate_agrees_with_numpy():
    """A network whose logits are known: it copies the first row of pixels."""
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 200, (23, 8)).astype("uint8")
    images = np.repeat(logits[:, None, :, None], 8, axis=1)  # (23, 8, 8, 1)
    pixels = keras.Input((8, 8, 1))
    model = keras.Model(pixels, keras.layers.Rescaling(0.01)(pixels[:, 0, :, 0]))
    labels = rng.integers(0, 8, 23)
    scores = logits / 100
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    order = np.argsort(-scores, axis=1)
    for batch_size in (5, np.int64(23), 100, None):
        got = evaluate(model, images, labels, batch_size=batch_size)
        assert got["loss"] == pytest.approx(-np.log(chances[np.arange(23), labels]).mean(), abs=1e-5)
        # pixels may tie by chance; ties count against the network
        better_or_equal = (scores >= scores[np.arange(23), labels][:, None]).sum(axis=1)
        assert got["top1"] == pytest.approx((better_or_equal <= 1).mean())
        assert got["top5"] == pytest.approx((better_or_equal <= 5).mean())
    assert got["top1"] <= (order[:, 0] == labels).mean()


@pytest.mark.one_backend
@pytest.mark.parametrize(("value", "loss"), [(0, np.log(16)), (np.nan, np.nan), (np.inf, np.nan)])
def test_a_network_that_says_all_alike_or_nonsense_is_never_right(value, loss, shapes, small_model):
    model = small_model()
    model.set_weights([np.full_like(values, value) for values in model.get_weights()])
    got = evaluate(model, shapes.x_test, shapes.y_test)
    assert (got["top1"], got["top5"]) == (0, 0)
    assert got["loss"] == pytest.approx(loss, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": lambda x: x / 255}, TypeError, r"images must be uint8 pixels, 0..255; got float64 with values 0..0.96"),
        ({"x": lambda x: x.astype("uint16") * 257}, TypeError, "images must be uint8 pixels, 0..255; got uint16"),
        ({"x": lambda x: x.astype("int8")}, TypeError, "images must be uint8 pixels, 0..255; got int8"),
        ({"x": list}, TypeError, "images must be a NumPy array; got a list"),
        ({"x": lambda x: x[..., 0]}, ValueError, r"images must have shape \(n, height, width, channels\)"),
        ({"x": lambda x: x[..., :1]}, ValueError, "images must have 3 channels, but they have 1"),
        ({"x": lambda x: x[:0], "y": lambda y: y[:0]}, ValueError, "images is empty"),
        ({"y": lambda y: y[:2]}, ValueError, "48 images and 2 labels"),
        ({"y": lambda y: y + 0.9}, TypeError, "labels must hold whole numbers; got float64"),
        ({"y": lambda y: y.astype(str)}, TypeError, "labels must hold whole numbers; got <U"),
        ({"y": lambda y: y - 100}, ValueError, r"labels must hold labels in 0..15.*48 labels are outside"),
        ({"y": lambda y: y + 1}, ValueError, r"labels must hold labels in 0..15"),
        (
            {"y": lambda y: np.eye(16, dtype="int32")[y]},
            ValueError,
            r"must have shape \(n,\).*One-hot labels: labels.argmax",
        ),
        ({"y": lambda y: [[1], [2, 3]]}, ValueError, "labels must be one whole number per image; got lists of unequal"),
        *(({"batch_size": size}, ValueError, f"batch_size should be .*, but it is {size}") for size in (0, 2.5, True)),
    ],
)
@pytest.mark.one_backend
def test_what_would_be_measured_wrongly_is_refused_by_name(change, error, message, shapes, small_model):
    x, y = (change.get(name, np.asarray)(values) for name, values in (("x", shapes.x_test), ("y", shapes.y_test)))
    with pytest.raises(error, match=f"evaluate: .*{message}"):
        evaluate(small_model(), x, y, batch_size=change.get("batch_size"))


@pytest.mark.one_backend
def test_a_model_that_tells_no_logits_of_images_of_one_size_is_refused(shapes, small_model):
    image = keras.Input((None, None, 3))
    any_size = keras.Model(image, keras.layers.Dense(16)(keras.layers.GlobalAveragePooling2D()(image)))
    model = small_model()
    two = keras.Model(model.input, [model.output, model.output])
    for wrong in (any_size, two, None):
        with pytest.raises(TypeError, match="evaluate: model must be a classifier"):
            evaluate(wrong, shapes.x_test, shapes.y_test)
    with_softmax = keras.layers.Dense(16, activation="softmax")(model.output)
    for probabilities in (keras.layers.Softmax()(model.output), with_softmax):
        with pytest.raises(TypeError, match="gives probabilities, not logits: leave its softmax out"):
            evaluate(keras.Model(model.input, probabilities), shapes.x_test, shapes.y_test)
    unseen = keras.Model(model.input, keras.ops.softmax(model.output))
    with pytest.raises(ValueError, match="gives probabilities, not logits: leave its softmax out"):
        evaluate(unseen, shapes.x_test, shapes.y_test)


@pytest.mark.one_backend
def test_what_takes_long_tells_how_far_it_is(shapes, small_model, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "ProgressBar", lambda name, after_s, **how: ProgressBar(name, **how))
    evaluate(small_model(), shapes.x_test, shapes.y_test, batch_size=24)
    assert "evaluate:  50 %, 24 of 48 images" in capsys.readouterr().out
    evaluate(small_model(), shapes.x_test, shapes.y_test, progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.one_backend
def test_a_batch_is_as_large_as_its_arrays_allow(monkeypatch):
    """500 images of 576 tokens at a time took 4 GB: the attention's rows grow with the square of the tokens."""
    model = classifier("vit_course", (96, 96, 3), 4)
    sizes = []

    def predict(batch):
        sizes.append(len(batch))
        return np.zeros((len(batch), 4))

    monkeypatch.setattr(model, "predict_on_batch", predict)
    evaluate(model, np.zeros((120, 96, 96, 3), "uint8"), np.zeros(120, int))
    assert set(sizes) == {evaluation._MOST_NUMBERS // (4 * 576**2)} == {50}
