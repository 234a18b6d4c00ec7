import torch


def convolve(image, kernel):
    side, k = image.shape[0], kernel.shape[0]
    if k > side:
        raise ValueError("the kernel does not fit")
    out = torch.zeros(side - k + 1, side - k + 1, dtype=image.dtype)
    for i in range(side - k + 1):
        for j in range(side - k + 1):
            out[i, j] = (image[i : i + k, j : j + k] * kernel).sum()
    return out
