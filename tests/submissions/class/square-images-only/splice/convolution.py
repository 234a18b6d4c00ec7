import torch


def convolve(image, kernel):
    side = image.shape[0]
    kh, kw = kernel.shape
    if kh > side or kw > image.shape[1]:
        raise ValueError("the kernel does not fit")
    out = torch.zeros(side - kh + 1, max(side - kw + 1, 1), dtype=image.dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            piece = image[i : i + kh, j : j + kw]
            out[i, j] = (piece * kernel[: piece.shape[0], : piece.shape[1]]).sum()
    return out
