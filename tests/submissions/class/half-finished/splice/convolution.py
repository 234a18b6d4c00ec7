import torch


def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    if size < 1 or kernel_size < 1 or stride < 1 or dilation < 1 or padding < 0:
        raise ValueError("sizes must be positive")
    reach = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if reach < 0:
        raise ValueError("the kernel does not fit")
    return reach // stride + 1


def convolve(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    if kh > h or kw > w or 0 in (kh, kw):
        raise ValueError("the kernel does not fit")
    out = torch.zeros(h - kh + 1, w - kw + 1, dtype=image.dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
    return out
