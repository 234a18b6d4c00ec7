import torch


def convolve(image, kernel):
    side = image.shape[0]
    kh, kw = kernel.shape
    if kh > side or kw > side:
        raise ValueError("the kernel does not fit")
    out = torch.zeros(side - kh + 1, side - kw + 1, dtype=image.dtype)
    for i in range(side - kh + 1):
        for j in range(side - kw + 1):
            window = torch.zeros_like(kernel)
            piece = image[i : i + kh, j : j + kw]
            window[: piece.shape[0], : piece.shape[1]] = piece
            out[i, j] = (window * kernel).sum()
    return out
