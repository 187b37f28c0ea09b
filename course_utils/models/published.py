"""The papers' own networks, trained on ImageNet: fetched from the Hugging Face hub into the course's layers.

The weights are timm's (github.com/huggingface/pytorch-image-models, Apache 2.0). PyTorch is not needed: a file is a
header and plain numbers. The hub's own client fetches it, shows how far it is, and keeps it in its cache.
"""

import errno
import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import keras
import numpy as np

from course_utils.models.config import CONFIGS
from course_utils.models.network import Classifier, blocks, classifier

PUBLISHED = {
    "vit_ti16": "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    "mixer_b16": "timm/mixer_b16_224.goog_in21k_ft_in1k",
    "gmlp_s16": "timm/gmlp_s16_224.ra3_in1k",
}
"""{configuration: the hub's repository}; the first has 6, the second 60, the third 19 million parameters."""

_LABELS = ("huggingface/label-files", "imagenet-1k-id2label.json")  # timm's files hold no class names
_PATIENCE = 5  # seconds for the hub's first answer
_LAYERS = {
    "vit": {
        "norm1": "norm1",
        "attention.query": "attn.query",
        "attention.key": "attn.key",
        "attention.value": "attn.value",
        "attention.output_layer": "attn.proj",
        "norm2": "norm2",
        "mlp.hidden": "mlp.fc1",
        "mlp.output_layer": "mlp.fc2",
    },
    "mixer": {
        "norm1": "norm1",
        "token_mlp.hidden": "mlp_tokens.fc1",
        "token_mlp.output_layer": "mlp_tokens.fc2",
        "norm2": "norm2",
        "channel_mlp.hidden": "mlp_channels.fc1",
        "channel_mlp.output_layer": "mlp_channels.fc2",
    },
    "gmlp": {
        "norm": "norm",
        "widen": "mlp_channels.fc1",
        "gate.norm": "mlp_channels.gate.norm",
        "gate": "mlp_channels.gate.proj",
        "narrow": "mlp_channels.fc2",
    },
}
"""{paper: {a layer of our block: its name in timm's}}; timm's query, key and value are one matrix, "attn.qkv"."""
_GATE_EPSILON = 1e-5  # of the LayerNorm in timm's gate; all its other norms have the course's 1e-6


class PublishedError(Exception):
    """A published network is not to be had here and now; the message is one sentence that says why."""


@dataclass(frozen=True)
class Published:
    """A published network, as `classifier` builds it, and what it wants to be given."""

    model: Classifier
    class_names: tuple[str, ...]  # in the order of the logits
    repository: str  # where on the hub it comes from
    crop: float  # the share of a photograph's shorter side that it is shown
    interpolation: str  # how a photograph is resized for it, such as "bicubic"

    def prepare(self, photograph: np.ndarray) -> np.ndarray:
        """Returns a photograph, uint8 `(h, w, 3)`, as the network was evaluated with: resized, its middle cut out.

        It is a batch of one, float32 `(1, 224, 224, 3)` in 0…255. ValueError if it is no such photograph.
        """
        from PIL import Image

        if not isinstance(photograph, np.ndarray) or photograph.dtype != "uint8" or photograph.shape[2:] != (3,):
            given = f"{photograph.dtype} {photograph.shape}" if isinstance(photograph, np.ndarray) else repr(photograph)
            raise ValueError(f"prepare: photograph must be uint8 (h, w, 3), but it is {given:.80}")
        _, height, width, _ = self.model.input_shape
        image = Image.fromarray(photograph)
        shorter = int(min(height, width) / self.crop)
        size = [shorter * side // min(image.size) for side in image.size]
        image = image.resize(size, Image.Resampling[self.interpolation.upper()])
        left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
        return np.asarray(image.crop((left, top, left + width, top + height)), "float32")[None]


def load_published(name: str) -> Published:
    """Returns a network of a paper with published weights; the first time they are fetched.

    Its logits are timm's to 1e-4; it takes pixels in 0…255 like all networks of the course. (One thing is lost when the
    gMLP is saved as `.keras` and loaded: an ε of 1e-5 in its gates becomes 1e-6.) The hub's variables, such as
    HF_HUB_OFFLINE and HF_HOME, hold.

    Args:
        name: "vit_ti16" (23 MB), "mixer_b16" (240 MB) or "gmlp_s16" (78 MB).

    Raises:
        PublishedError: no such name, no network, a full disk, or a file that is gated, missing, damaged or another's.
    """
    if name not in PUBLISHED:
        raise PublishedError(f"load_published: unknown network {name!r}; choose from {', '.join(PUBLISHED)}")
    repository = PUBLISHED[name]
    about, path = _read_json(_fetch(repository, "config.json")), _fetch(repository, "model.safetensors")
    _check_sum(path, repository)
    tensors = _read_weights(path, repository)
    try:
        facts = about.get("pretrained_cfg", about)
        channels, height, width = (int(size) for size in facts["input_size"])
        mean, std = (np.array(facts[key], "float32").reshape(channels) for key in ("mean", "std"))
        crop, interpolation, classes = float(facts["crop_pct"]), str(facts["interpolation"]), int(facts["num_classes"])
        model = classifier(CONFIGS[name], (height, width, channels), classes, seed=None)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PublishedError(f"config.json of {repository} is not as expected ({error!r:.80})") from None
    _fill(model, tensors, mean, std, f"model.safetensors of {repository}")
    return Published(model, _class_names(facts, classes), repository, crop, interpolation)


def _fetch(repository: str, file: str, **options) -> Path:
    """Returns where the hub's client keeps a file, which it fetches if it must."""
    try:
        import huggingface_hub as hub
        import safetensors  # noqa: F401 - before anything is fetched that could not be read
        from huggingface_hub import errors
    except ImportError:
        need = "pip install huggingface_hub safetensors"
        raise PublishedError(f"published networks need two more packages: {need}") from None

    def failed(reason: str) -> PublishedError:
        return PublishedError(f"{file} of {repository} could not be fetched from {hub.constants.ENDPOINT}: {reason}")

    with suppress(errors.LocalEntryNotFoundError):
        return Path(hub.hf_hub_download(repository, file, local_files_only=True, **options))
    try:  # one question: the client itself would ask a hub that does not answer again and again, for half a minute
        found = hub.get_hf_file_metadata(hub.hf_hub_url(repository, file, **options), timeout=_PATIENCE)
    except errors.OfflineModeIsEnabled:
        raise failed("HF_HUB_OFFLINE is set, and it is not in the hub's cache") from None
    except errors.GatedRepoError:
        raise failed("it is gated: its owner lets in who has logged in and agreed to the terms") from None
    except errors.RepositoryNotFoundError:
        raise failed("there is no such repository, or it is private") from None
    except errors.EntryNotFoundError:
        raise failed("there is no such file") from None
    except errors.HfHubHTTPError as error:
        raise failed(f"the server answered {error.response.status_code}") from None
    except Exception as error:  # whatever the client's own HTTP library calls it
        raise failed(f"there is no network ({_line(error)})") from None
    if found.commit_hash is None:
        raise failed("what answered is not the hub; perhaps the network wants you to log in first")
    try:
        return Path(hub.hf_hub_download(repository, file, etag_timeout=_PATIENCE, **options))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise failed("the disk is full") from None
        raise failed(f"it broke off ({_line(error)})") from None


def _line(error: Exception) -> str:
    """Returns what an error says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check_sum(path: Path, repository: str) -> None:
    """Raises PublishedError, and removes the file, if it is damaged: the hub's cache names it by its SHA-256."""
    blob = path.resolve()
    if not re.fullmatch("[0-9a-f]{64}", blob.name):
        return  # a cache without links, as on some Windows
    with open(blob, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != blob.name:
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)
        raise PublishedError(
            f"{path.name} of {repository} is damaged (SHA-256 differs), so it was removed: call again to fetch it anew"
        )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PublishedError(f"{path} is damaged ({error}): remove it and call again") from None


def _read_weights(path: Path, repository: str) -> dict[str, np.ndarray]:
    """Returns {timm's name: array} of a file whose header is checked against its length."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, KeyError, SafetensorError) as error:
        said = f"{path.name} of {repository} is damaged ({error})"
        raise PublishedError(f"{said}: remove {path} and call again") from None


def _class_names(facts: dict, classes: int) -> tuple[str, ...]:
    """Returns what the repository calls its classes, or ImageNet's names; or "class 0" and so on."""
    names, described = facts.get("label_names"), facts.get("label_descriptions") or {}
    if isinstance(names, list) and len(names) == classes:
        return tuple(str(described.get(name, name)) for name in names)
    with suppress(PublishedError, KeyError, TypeError, AttributeError):  # the network is of use without
        labels = _read_json(_fetch(*_LABELS, repo_type="dataset"))
        if len(labels) == classes:
            return tuple(labels[str(k)].partition(",")[0] for k in range(classes))  # the first of several words for it
    return tuple(f"class {k}" for k in range(classes))


def _fill(model: Classifier, tensors: dict[str, np.ndarray], mean: np.ndarray, std: np.ndarray, what: str) -> None:
    """Puts timm's tensors into a network of ours; PublishedError if one is missing, too many, or of another shape.

    timm's network takes `(pixels / 255 − mean) / std`, ours makes pixels −1…1 first; the difference goes into the patch
    embedding.
    """
    left = dict(tensors)

    def take(name: str) -> np.ndarray:
        if name not in left:
            raise PublishedError(f"{what} is another network's: it lacks {name}")
        return left.pop(name).astype("float32")

    def put(variable, name: str, value: np.ndarray) -> None:
        if tuple(variable.shape) != value.shape:
            here, there = value.shape, tuple(variable.shape)
            raise PublishedError(f"{what} is another network's: {name} is {here}, but must be {there}")
        variable.assign(value)

    for name in [name for name in left if ".qkv." in name]:  # query, key and value, one below the other
        for part, third in zip(("query", "key", "value"), np.array_split(left.pop(name), 3), strict=True):
            left[name.replace("qkv", part)] = third
    kind = model.configuration.mixing
    stem = "patch_embed.proj" if kind == "vit" else "stem.proj"
    kernel, bias = take(f"{stem}.weight"), take(f"{stem}.bias")  # (d, channels, p, p), (d,)
    bias = bias + np.einsum("dcij,c->d", kernel, (0.5 - mean) / std)
    kernel = np.einsum("dcij,c->ijcd", kernel, 0.5 / std)
    projection = model.get_layer("patch_embedding").projection
    put(projection.kernel, stem, kernel.reshape(-1, kernel.shape[-1]))
    put(projection.bias, stem, bias)
    if kind == "vit":
        put(model.get_layer("class_token").class_token, "cls_token", take("cls_token")[0, 0])
        put(model.get_layer("position_embedding").positions, "pos_embed", take("pos_embed")[0])
    layers = {"norm": model.get_layer("final_norm"), "head": model.get_layer("head")}
    for i, block in enumerate(blocks(model)):
        layers |= {f"blocks.{i}.{theirs}": attrgetter(ours)(block) for ours, theirs in _LAYERS[kind].items()}
    for name, layer in layers.items():
        weight, bias = take(f"{name}.weight"), take(f"{name}.bias")
        is_dense = isinstance(layer, keras.layers.Dense)  # timm's keep a row for each output
        put(layer.weights[0], f"{name}.weight", weight.T if is_dense else weight)
        put(layer.weights[1], f"{name}.bias", bias)
        if name.endswith("gate.norm"):
            layer.epsilon = _GATE_EPSILON
    if left:
        raise PublishedError(f"{what} is another network's: it has {', '.join(sorted(left))[:80]}, too")
