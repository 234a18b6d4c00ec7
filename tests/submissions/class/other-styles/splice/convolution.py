import numpy as np
import torch
from torch import Tensor


def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    if image.ndim != 2 or kernel.ndim != 2 or not image.numel() or not kernel.numel():
        raise ValueError(f"expected two matrices, got {tuple(image.shape)} and {tuple(kernel.shape)}")
    if kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError(f"expected a kernel no larger than {tuple(image.shape)}, got {tuple(kernel.shape)}")
    windows = np.lib.stride_tricks.sliding_window_view(image.numpy(), tuple(kernel.shape))
    return torch.from_numpy(np.einsum("abij,ij->ab", windows, kernel.numpy()))


def conv2d(input, weight, bias=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    if input.ndim != 4 or weight.ndim != 4 or input.shape[1] != weight.shape[1]:
        raise ValueError(f"shapes do not fit: {tuple(input.shape)} and {tuple(weight.shape)}")
    if sh < 1 or sw < 1 or ph < 0 or pw < 0 or not input.numel() or not weight.numel():
        raise ValueError(f"stride must be positive, padding not negative: {stride}, {padding}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"expected one bias per filter, got {tuple(bias.shape)}")
    n, c, height, width = input.shape
    filters, _, kh, kw = weight.shape
    padded = input.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    padded[:, :, ph : ph + height, pw : pw + width] = input
    rows, columns = padded.shape[2] - kh, padded.shape[3] - kw
    if rows < 0 or columns < 0:
        raise ValueError(f"kernel {kh} x {kw} is larger than the padded image")
    out = input.new_zeros(n, filters, rows // sh + 1, columns // sw + 1)
    for i in range(kh):
        for j in range(kw):
            shifted = padded[:, :, i : i + rows + 1 : sh, j : j + columns + 1 : sw]
            out += torch.einsum("nchw,oc->nohw", shifted, weight[:, :, i, j])
    return out if bias is None else out + bias[:, None, None]
