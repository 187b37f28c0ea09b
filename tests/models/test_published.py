"""Published networks: timm's logits from our layers, and one sentence for whatever keeps a network away.

The files are timm's own making, small and with random weights (tests/environments/timm_files.py).
"""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils import analysis, explorers
from course_utils.models import CONFIGS, describe, published
from course_utils.models.published import PUBLISHED, PublishedError, load_published
from tests.layers.support import answer
from tests.models.hub import FILES, LABELS, SMALL, hub
from tools.settings import ROOT

pytestmark = pytest.mark.one_backend  # layers are asked on every backend; the hub's client knows none
NO_LABELS = PublishedError("no labels today")


@pytest.fixture
def files(monkeypatch, tmp_path):
    """Lets `load_published` find files in a folder that may be changed first, without a hub."""
    monkeypatch.setattr(published, "_check_sum", lambda *_: None)

    def use(folder=FILES, **changed: bytes):
        def fetch(repository, file, **_):
            names = [name for name, known in PUBLISHED.items() if known == repository]
            if not names:
                raise NO_LABELS
            if file.partition(".")[0] not in changed:
                return folder / names[0] / file
            (tmp_path / file).write_bytes(changed[file.partition(".")[0]])
            return tmp_path / file

        monkeypatch.setattr(published, "_fetch", fetch)

    for name, config in SMALL.items():
        monkeypatch.setitem(CONFIGS, name, config)
    return use


def compare(name: str, folder: Path) -> float:
    """Returns how far our logits are from timm's; photographs are prepared to the last bit."""
    network, expected, far = load_published(name), np.load(folder / name / "expected.npz"), 0.0
    for k in range(2):
        pixels = network.prepare(expected[f"photograph_{k}"])
        np.testing.assert_array_equal(pixels[0], expected["prepared"][k])
        far = max(far, float(np.abs(answer(network.model, pixels)[0] - expected["logits"][k]).max()))
    return far


@pytest.mark.parametrize("name", PUBLISHED)
def test_logits_are_timms(name, files):
    """An ε of 1e-6 instead of 1e-5 in the gates is seen: 6e-5."""
    files()
    assert compare(name, FILES) < 1e-5


@pytest.mark.skipif("COURSE_TIMM" not in os.environ, reason="COURSE_TIMM: a folder made by timm_files.py --full")
@pytest.mark.parametrize("name", PUBLISHED)
def test_full_size_logits_are_timms(name, monkeypatch):
    """Measured with timm 1.0.31: 2.6e-6 (ViT), 1.1e-6 (Mixer), 1.3e-6 (gMLP)."""
    folder = Path(os.environ["COURSE_TIMM"])
    monkeypatch.setattr(published, "_check_sum", lambda *_: None)
    monkeypatch.setattr(published, "_class_names", lambda *_: ())
    monkeypatch.setattr(published, "_fetch", lambda _, file: folder / name / file)
    far = compare(name, folder)
    print(f"{name}: largest difference {far:.1e}")
    assert far < 1e-4


def test_all_analyses_take_them(files):
    files()
    vit, mixer, gmlp = (load_published(name).model for name in PUBLISHED)
    pixels = np.load(FILES / "vit_ti16" / "expected.npz")["prepared"]
    weights = analysis.attention(vit, pixels)
    assert weights.shape == (2, 2, 3, 17, 17)
    assert analysis.rollout(weights).shape == (2, 2, 17, 17)
    assert analysis.position_similarity(vit).shape == (16, 16)
    assert analysis.token_mixing_weights(mixer)[0][0].shape == (16, 12)
    assert analysis.gate_weights(gmlp)[0][0].shape == (16, 16)
    assert describe(vit).label == "vit_ti16"
    explorers.explore_positions({"published": vit})
    explorers.explore_token_mixing({"published": mixer})
    explorers.explore_gate({"published": {1: analysis.gate_weights(gmlp)}}, gmlp)
    explorers.explore_attention({"published": vit}, {"one": pixels[0], "two": pixels[1]})


@pytest.mark.parametrize(
    "photograph",
    [np.zeros((40, 40, 3), "float32"), np.zeros((40, 40), "uint8"), np.zeros((2, 40, 40, 3), "uint8"), "x"],
)
def test_what_is_no_photograph_is_named(photograph, files):
    files()
    with pytest.raises(ValueError, match=r"prepare: photograph must be uint8 \(h, w, 3\), but it is "):
        load_published("vit_ti16").prepare(photograph)


def of(name: str, file: str) -> bytes:
    return (FILES / name / file).read_bytes()


DAMAGED = {
    "of another network": (
        {"model": of("mixer_b16", "model.safetensors")},
        "is another network's: it lacks patch_embed",
    ),
    "of another size": (
        {"config": of("vit_ti16", "config.json").replace(b'": 10', b'": 12')},
        "head.weight is .24, 10.",
    ),
    "cut off": ({"model": of("vit_ti16", "model.safetensors")[:40_000]}, "is damaged .*: remove .* and call again"),
    "no safetensors": ({"model": b"<html>not found</html>"}, "is damaged"),
    "no JSON": ({"config": b"<html>"}, "config.json is damaged"),
    "another JSON": ({"config": b'{"num_classes": 10}'}, "config.json .* is not as expected .KeyError"),
    "a list": ({"config": b"[1]"}, "config.json .* is not as expected"),
    "odd sizes": ({"config": of("vit_ti16", "config.json").replace(b"32", b"30")}, "not as expected .*patch_size=8"),
}


@pytest.mark.parametrize("defect", DAMAGED)
def test_files_that_do_not_fit_are_one_sentence(defect, files):
    changed, message = DAMAGED[defect]
    files(**changed)
    with pytest.raises(PublishedError, match=message) as caught:
        load_published("vit_ti16")
    assert "\n" not in str(caught.value)


def test_a_tensor_too_many_is_named(files):
    from safetensors.numpy import load, save

    tensors = load(of("gmlp_s16", "model.safetensors")) | {"more": np.zeros(3, "float32")}
    files(model=save(tensors))
    with pytest.raises(PublishedError, match="is another network's: it has more, too"):
        load_published("gmlp_s16")


def test_class_names_of_the_repository_come_first(files):
    about = json.loads(of("vit_ti16", "config.json"))
    about["pretrained_cfg"] |= {"label_names": [f"n{k}" for k in range(10)], "label_descriptions": {"n0": "cat"}}
    files(config=json.dumps(about).encode())
    assert load_published("vit_ti16").class_names[:2] == ("cat", "n1")
    files()
    assert load_published("vit_ti16").class_names[:2] == ("class 0", "class 1")


def test_an_unknown_name_is_named():
    with pytest.raises(PublishedError, match="unknown network 'vit'; choose from vit_ti16, mixer_b16, gmlp_s16"):
        load_published("vit")


def test_without_the_hubs_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PublishedError, match="pip install huggingface_hub safetensors"):
        load_published("vit_ti16")


DEFECTS = {
    "gated": ("config.json", "it is gated: its owner lets in who has logged in"),
    "private": ("config.json", "there is no such repository, or it is private"),
    "forbidden": ("config.json", "the server answered 403"),
    "down": ("config.json", "the server answered 503"),
    "no_hub": ("config.json", "what answered is not the hub"),
    "silent": ("config.json", "there is no network (timed out)"),
    "missing": ("model.safetensors", "there is no such file"),
    "truncated": ("model.safetensors", "it broke off"),
    "tampered": ("model.safetensors", "is damaged (SHA-256 differs), so it was removed: call again"),
}


def ask(address, home, *names, **more):
    """Loads networks in a process of its own: the hub's client reads its variables when it is imported."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "PYTEST_"))}
    environment = kept | {"HF_ENDPOINT": address, "HF_HOME": str(home), "no_proxy": "127.0.0.1", **more}
    command = [sys.executable, "-m", "tests.models.hub", *names]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, check=True, timeout=300, **both)
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.slow
@pytest.mark.rehearsal
def test_through_the_hubs_own_client(tmp_path):
    """All defects in one process: most of its time is Keras' start."""
    with hub() as address:
        said, shown = ask(address, tmp_path, *PUBLISHED, *(f"vit_ti16:{defect}" for defect in DEFECTS))
    assert shown.count("model.safetensors") >= len(PUBLISHED)  # the client's own bar
    for name in PUBLISHED:
        assert said[name]["far"] < 1e-5
        assert said[name]["class_names"] == [label.partition(",")[0] for label in LABELS]
    for defect, (file, message) in DEFECTS.items():
        sentence = said[f"vit_ti16:{defect}"]["said"]
        assert sentence.startswith(f"{file} of timm/vit_tiny")
        assert message in sentence
        assert "\n" not in sentence
    assert said["vit_ti16:silent"]["seconds"] < 8  # 5 seconds' patience, and a busy machine
    assert not [path for path in tmp_path.rglob("model.safetensors") if "tampered" in str(path)]

    # The hub is gone now: what it sent is still here, what it did not is one sentence, at once.
    said, _ = ask(address, tmp_path, *PUBLISHED, "vit_ti16:new")
    assert [said[name]["said"] for name in PUBLISHED] == ["", "", ""]
    assert "there is no network" in said["vit_ti16:new"]["said"]
    assert said["vit_ti16:new"]["seconds"] < 5
    said, _ = ask(address, tmp_path, "mixer_b16", "vit_ti16:new", HF_HUB_OFFLINE="1")
    assert said["mixer_b16"]["far"] < 1e-5
    assert "HF_HUB_OFFLINE is set" in said["vit_ti16:new"]["said"]


@pytest.mark.parametrize(
    ("number", "message"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "it broke off .*Permission")]
)
def test_a_disk_that_takes_nothing(number, message, monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def download(*_, local_files_only=False, **__):
        raise LocalEntryNotFoundError("not here") if local_files_only else OSError(number, os.strerror(number))

    class Found:
        commit_hash = "0" * 40

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: Found)
    with pytest.raises(PublishedError, match=message):
        load_published("vit_ti16")
