"""Train a deep residual network, in which errors of the weights add up, and write it beside its figures.

ResNet-20 of He et al. 2016, section 4.2, at half the width (8, 16 and 32 channels) and with a first convolution of
stride 2, on Fashion-MNIST: 19 convolutions in a row, two 1x1 projections and one dense layer, 67 848 weights, three
fifths of LeNet5's. Batch normalisation follows every convolution; the import folds it.

PyTorch is needed here and only here; rsscircuit itself never imports it. See train_lenet5.py for what to install.

    python examples/train_resnet.py --data /usr/share/datasets/fashion-mnist

Written into examples/resnet20_fashion/: resnet20.onnx and training.json. Its test set and calibration inputs are those
of examples/lenet5_fashion. The test set is used to report the accuracy, never to choose anything.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import nn
from train_lenet5 import HERE, accuracy, export, read_idx

WIDTHS = (8, 16, 32)
BLOCKS = 3  # a stage


class Block(nn.Module):
    """Two 3x3 convolutions and the way around them, a 1x1 convolution where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.project = None
        if before != after:
            self.project = nn.Conv2d(before, after, 1, stride, bias=False)
            self.norm3 = nn.BatchNorm2d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        around = x if self.project is None else self.norm3(self.project(x))
        return torch.relu(self.norm2(self.conv2(y)) + around)


def resnet20() -> nn.Sequential:
    layers = [nn.Conv2d(1, WIDTHS[0], 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
    before = WIDTHS[0]
    for stage, width in enumerate(WIDTHS):
        for number in range(BLOCKS):
            layers.append(Block(before, width, 2 if stage and not number else 1))
            before = width
    return nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(before, 10))


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, epochs: int, rate: float) -> None:
    """SGD with momentum, batches of 128, one cycle of the rate; mirrored and moved by up to two pixels."""
    steps = epochs * (len(images) // 128)
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        order, total = torch.randperm(len(images)), 0.0
        for chosen in order[: len(images) // 128 * 128].split(128):
            batch = images[chosen]
            down, right = torch.randint(-2, 3, (2,)).tolist()
            batch = torch.roll(batch, (down, right), (2, 3))
            mirrored = torch.rand(len(batch)) < 0.5
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
            optimiser.zero_grad()
            loss = loss_of(model(batch), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"  epoch {epoch + 1:2d}  mean loss {total / (len(order) // 128):.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the IDX files")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    folder = HERE / "resnet20_fashion"
    folder.mkdir(exist_ok=True)
    (images, labels), (test_images, test_labels) = (
        (torch.from_numpy(read_idx(options.data, f"{kind}-images-idx3-ubyte").copy()).float()[:, None] / 255,
         torch.from_numpy(read_idx(options.data, f"{kind}-labels-idx1-ubyte").copy()).long())
        for kind in ("train", "t10k")
    )  # fmt: skip
    model = resnet20()
    train(model, images, labels, epochs=options.epochs, rate=0.1)
    figures = {"resnet20.onnx": {"test_accuracy": accuracy(model, test_images, test_labels)}}
    export(model, folder / "resnet20.onnx")
    (folder / "training.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
