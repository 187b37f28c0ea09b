"""Writes files as timm publishes them, of networks that timm itself makes, with random weights and the logits it gives.

    python -m venv timm && timm/bin/python -m pip install timm==1.0.31
    timm/bin/python tests/environments/timm_files.py tests/models/timm            # small: what the tests read
    timm/bin/python tests/environments/timm_files.py /tmp/timm --full             # the published sizes
    COURSE_TIMM=/tmp/timm .venv/bin/python -m pytest tests/models/test_published.py -k full -rP

For each network: config.json, model.safetensors, and expected.npz with photographs, what timm's own preprocessing makes
of them (0…255), and its logits. timm and torch are not installed by the course.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform
from timm.layers import GatedMlp
from timm.models.mlp_mixer import MlpMixer, SpatialGatingBlock
from timm.models.vision_transformer import VisionTransformer

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "num_classes": 10}
NETWORKS = {
    "vit_ti16": (
        "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
        partial(VisionTransformer, **SMALL, depth=2, num_heads=3, mlp_ratio=2),
    ),
    "mixer_b16": (
        "mixer_b16_224.goog_in21k_ft_in1k",
        partial(MlpMixer, **SMALL, num_blocks=2, mlp_ratio=(0.5, 2.0)),
    ),
    "gmlp_s16": (
        "gmlp_s16_224.ra3_in1k",
        partial(MlpMixer, **SMALL, num_blocks=2, mlp_ratio=4, block_layer=SpatialGatingBlock, mlp_layer=GatedMlp),
    ),
}
"""{our name: (timm's, what makes a small one)}"""


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Gives every weight a random value: a head of zeros or a gate that does nothing would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("norm.weight") or ".norm1.weight" in name or ".norm2.weight" in name:
                weight.copy_(1 + 0.2 * noise)
            elif weight.ndim > 1 and "token" not in name.split(".")[0] and name != "pos_embed":
                # what a gate normalises is so small that its ε counts
                small = 0.1 if "mlp_channels.fc1" in name and hasattr(model.blocks[0], "norm") else 1
                weight.copy_(small * noise / weight[0].numel() ** 0.5)
            else:
                weight.copy_(0.1 * noise)
    return model.eval()


def write(folder: Path, name: str, full: bool) -> None:
    """Writes one network's files to `folder/name`."""
    published, small = NETWORKS[name]
    model = randomised(timm.create_model(published, pretrained=False) if full else small())
    known = timm.get_pretrained_cfg(published).to_dict()
    about = {key: known[key] for key in ("mean", "std", "crop_pct", "interpolation", "input_size")}
    if not full:  # ImageNet's own mean and deviation: the three published files have 0.5 throughout
        about |= {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "input_size": (3, 32, 32)}
    about["num_classes"] = model.num_classes
    rng = np.random.default_rng(0)
    side = about["input_size"][1]
    photographs = [rng.integers(0, 256, (side * 3 // 2, side * k // 3, 3), "uint8") for k in (4, 5)]
    change = create_transform(**{key: about[key] for key in about if key != "num_classes"})
    seen = torch.stack([change(Image.fromarray(photograph)) for photograph in photographs])
    with torch.no_grad():
        logits = model(seen).numpy()
    mean, std = (torch.tensor(about[key])[:, None, None] for key in ("mean", "std"))
    prepared = ((seen * std + mean) * 255).permute(0, 2, 3, 1).numpy()
    (folder / name).mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / name / "model.safetensors", metadata={"format": "pt"})
    config = {"architecture": published.partition(".")[0], "num_classes": model.num_classes, "pretrained_cfg": about}
    (folder / name / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    arrays = {"prepared": np.rint(prepared).astype("uint8"), "logits": logits}
    arrays |= {f"photograph_{k}": photograph for k, photograph in enumerate(photographs)}
    np.savez_compressed(folder / name / "expected.npz", **arrays)
    count, spread = sum(weight.numel() for weight in model.parameters()), logits.std()
    print(f"{name}: timm {timm.__version__}, {count:,} parameters, standard deviation of the logits {spread:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    for name in NETWORKS:
        write(options.folder, name, options.full)
