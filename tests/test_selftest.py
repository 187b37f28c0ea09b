import keras
import numpy as np
import pytest

from course_utils import papers, selftest, system
from course_utils.exercises.bugs import WrongGradientNorm
from course_utils.models import classifier
from course_utils.papers import WITH_LESSON


def test_layer_norms_gradient_agrees_with_finite_differences_and_the_wrong_one_of_keras_3_0_is_caught():
    for make, right in ((None, True), (WrongGradientNorm, False)):
        gradient, expected = selftest.layer_norm_gradient(make)
        assert np.allclose(gradient, expected, atol=1e-5 if right else 0.1) == right
        assert (abs(gradient.sum()) < 1e-5) == right, "a LayerNorm's gradient sums to zero"


def test_adamws_steps_agree_with_numpy():
    after, expected = selftest.adamw_steps()
    np.testing.assert_allclose(after, expected, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rate, weight_decay, **betas: keras.optimizers.AdamW(rate, weight_decay=0.0, **betas),
        lambda rate, weight_decay, beta_1, **beta_2: keras.optimizers.AdamW(rate, weight_decay, beta_1=0.8, **beta_2),
        keras.optimizers.Nadam,
    ],
    ids=["no decay", "another momentum", "another rule"],
)
def test_another_optimizer_is_caught(wrong):
    after, expected = selftest.adamw_steps(wrong)
    assert np.abs(after - expected).max() > 1e-4


# One network says whether training works, here and on another backend: each lesson trains the others, too.
MARKS = [pytest.mark.one_backend, pytest.mark.rehearsal]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name == "vit" else MARKS) for name in WITH_LESSON])
def test_twenty_steps_reduce_the_loss_on_a_fixed_batch(name, measured):
    loss = selftest.loss_after(selftest.STEPS, classifier(name, (32, 32, 3), 16, seed=0))
    measured(f"{name}: loss {loss:.2f} on a fixed batch after {selftest.STEPS} steps of AdamW")
    assert loss <= selftest.REACHED < np.log(16)


@pytest.mark.one_backend
def test_a_network_that_does_not_learn_is_caught():
    network = classifier("mixer", (32, 32, 3), 16, seed=0)
    for layer in network.layers:
        layer.trainable = layer.name == "head"  # as after a bug that cuts the gradient: no error shows it
    assert selftest.loss_after(selftest.STEPS, network) > selftest.REACHED


def test_versions_known_to_be_wrong_are_named_and_others_are_not(recwarn):
    for version in (None, "3.8.0", "3.13.2", keras.__version__):
        system.warn_of_wrong_versions(version)
    assert not recwarn.list
    for version in system.WRONG_KERAS:
        with pytest.warns(UserWarning, match=rf"Keras {version} computes a wrong LayerNorm gradient.*keras>=3.8"):
            system.warn_of_wrong_versions(version)


def test_the_command_says_what_it_found(monkeypatch, capsys):
    monkeypatch.setattr(papers, "WITH_LESSON", ("mixer",))
    monkeypatch.setattr(selftest, "loss_after", lambda steps, network: 1.0)
    assert selftest.main([]) == 0
    assert "✗" not in capsys.readouterr().out
    monkeypatch.setattr(selftest, "loss_after", lambda steps, network: 2.7)
    assert selftest.main([]) == 1
    shown = capsys.readouterr().out
    assert "✗ mixer: loss 2.70 after 20 steps, at most 2.0" in shown
    assert "Do not teach with this installation" in shown


def test_asked_for_help_the_command_does_nothing_else(monkeypatch, capsys):
    monkeypatch.delattr(selftest, "adamw_steps")
    with pytest.raises(SystemExit, match="0"):
        selftest.main(["--help"])
    assert "is to be trusted" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        selftest.main(["--quick"])
