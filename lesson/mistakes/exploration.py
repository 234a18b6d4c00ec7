"""Wrong statistics of a data set."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from grader.hidden.mistakes import Answer, misconception

STATISTICS = ("pixel_statistics",)
COUNTS = ("class_counts",)
MEANS = ("class_means",)


@misconception(
    "not-scaled",
    tasks=STATISTICS,
    says="The numbers are on the scale from 0 to 255. What should white be?",
    combines=True,
)
def statistics_not_scaled(right: Answer, images: Tensor) -> tuple[float, float]:
    """Stay on the byte scale."""
    mean, deviation = right(images)
    return 255 * mean, 255 * deviation


@misconception(
    "std-of-image-means",
    tasks=STATISTICS,
    says="This is the deviation of the images' means. What does each image's mean hide?",
)
def std_of_image_means(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Average each image first."""
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.flatten(1).mean(1).std(correction=0))


@misconception(
    "std-of-image-means",
    tasks=STATISTICS,
    says="The deviation is combined from single images. How far apart are the images' means?",
)
def mean_of_image_stds(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Average the images' own deviations."""
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.flatten(1).std(1, correction=0).mean())


@misconception(
    "std-of-image-means",
    tasks=STATISTICS,
    says="The deviation is combined from single images. How far apart are the images' means?",
)
def mean_of_image_sample_stds(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Average the images' own deviations, each a sample's."""
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.flatten(1).std(1).mean())


@misconception(
    "std-of-image-means",
    tasks=STATISTICS,
    says="This is the deviation of the images' means. What does each image's mean hide?",
)
def sample_std_of_image_means(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Average each image first, and take a sample's deviation."""
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.flatten(1).mean(1).std())


@misconception(
    "sample-std",
    tasks=STATISTICS,
    says="This is a sample's deviation. By what is the sum of squares divided if these are all the pixels?",
)
def sample_std(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Divide by one fewer."""
    pixels = images.float() / 255
    return float(pixels.mean()), float(pixels.std())


@misconception(
    "mean-and-std-exchanged",
    tasks=STATISTICS,
    says="The two numbers are swapped. In which order does the function that you call return them?",
)
def deviation_first(_right: Answer, images: Tensor) -> tuple[float, float]:
    """Return the result of `torch.std_mean`, in its order."""
    pixels = images.double() / 255
    return float(pixels.std(correction=0)), float(pixels.mean())


@misconception(
    "mean-and-std-exchanged",
    tasks=STATISTICS,
    says="The two numbers are swapped. In which order does the function that you call return them?",
)
def sample_deviation_first(_right: Answer, images: Tensor) -> tuple[float, float]:
    """The same with a sample's deviation."""
    pixels = images.double() / 255
    return float(pixels.std()), float(pixels.mean())


@misconception(
    "drops-absent-classes", tasks=COUNTS, says="Classes without an image are missing. How many numbers should come out?"
)
def counts_present_classes(_right: Answer, labels: Tensor, _num_classes: int) -> Tensor:
    """Count only the classes that occur."""
    counts: Tensor = labels.unique(return_counts=True)[1]
    return counts


@misconception(
    "drops-absent-classes", tasks=COUNTS, says="The last classes are missing. How many numbers should come out?"
)
def counts_to_the_largest(_right: Answer, labels: Tensor, _num_classes: int) -> Tensor:
    """Count up to the largest label."""
    return labels.bincount()


@misconception(
    "drops-absent-classes",
    tasks=COUNTS,
    says="These are the counts of only the classes that occur. Which class does each place stand for?",
)
def counts_packed_to_the_front(_right: Answer, labels: Tensor, num_classes: int) -> Tensor:
    """Leave the places at the end empty."""
    counts = labels.unique(return_counts=True)[1]
    return torch.nn.functional.pad(counts, (0, num_classes - len(counts)))


Means = Callable[..., Tensor]


def sums(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Return the sum of each class."""
    return right(images, labels, num_classes) * labels.bincount(minlength=num_classes)[:, None, None]


@misconception(
    "drops-absent-classes", tasks=MEANS, says="Classes without an image are missing. How many means should come out?"
)
def means_of_present_classes(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Average only the classes that occur."""
    return right(images, labels, num_classes)[labels.unique()]


@misconception(
    "not-scaled",
    tasks=MEANS,
    says="The means are on the scale from 0 to 255. What should white be?",
    combines=True,
)
def means_not_scaled(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Stay on the byte scale."""
    return right(images, labels, num_classes) * 255


@misconception(
    "sums-instead-of-means",
    tasks=MEANS,
    says="The values grow with the number of images of a class. By what is the sum divided?",
)
def sums_instead_of_means(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Forget to divide by the number of images."""
    return sums(right, images, labels, num_classes)


@misconception(
    "sums-instead-of-means",
    tasks=MEANS,
    says="The values grow with the number of images of a class. By what is the sum divided?",
)
def sums_of_bytes(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Neither divide nor scale."""
    return sums(right, images, labels, num_classes) * 255


@misconception(
    "sums-instead-of-means",
    tasks=MEANS,
    says="Every class is divided by the same number. How many images does each class have?",
)
def divides_by_all_images(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Divide the sum of a class by the number of all images."""
    return sums(right, images, labels, num_classes) / len(images)


@misconception(
    "mean-over-everything",
    tasks=MEANS,
    says="There is one number per class instead of a picture. Over which axis is the mean?",
)
def mean_over_everything(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Average over the pixels as well."""
    return right(images, labels, num_classes).flatten(1).mean(1)


@misconception(
    "mean-over-everything", tasks=MEANS, says="Every class has the same mean. Which images belong to a class?"
)
def mean_over_all_images(_right: Answer, images: Tensor, _labels: Tensor, num_classes: int) -> Tensor:
    """Average over all images, whatever their class."""
    return (images.double() / 255).mean(0).float().expand(num_classes, *images.shape[1:])


@misconception(
    "mean-over-everything", tasks=MEANS, says="There is one picture for all classes. Which images belong to a class?"
)
def one_mean_for_all(_right: Answer, images: Tensor, _labels: Tensor, _num_classes: int) -> Tensor:
    """Average over all images, and return that one picture."""
    return (images.double() / 255).mean(0).float()


@misconception(
    "mean-over-everything", tasks=MEANS, says="Every picture has one grey level. Over which axis is the mean?"
)
def mean_of_each_class_everywhere(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Fill each picture with the mean of its class."""
    return right(images, labels, num_classes).mean((1, 2), keepdim=True).expand(num_classes, *images.shape[1:])


@misconception(
    "squeeze-eats-axes", tasks=MEANS, says="An axis of length 1 is missing. Which axes does `squeeze()` remove?"
)
def squeezes_all(right: Means, images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Squeeze every axis of length 1."""
    return right(images, labels, num_classes).squeeze()
