import torch
from torch import Tensor


def class_counts(labels: Tensor, num_classes: int) -> Tensor:
    return torch.nn.functional.one_hot(labels, num_classes).sum(0)


def pixel_statistics(images: Tensor) -> tuple[float, float]:
    counts = torch.bincount(images.flatten(), minlength=256).double()
    levels = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum()
    mean = (share * levels).sum()
    return float(mean), float((share * (levels - mean) ** 2).sum().sqrt())
