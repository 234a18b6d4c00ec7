import torch


def convolve(image, kernel):
    return torch.zeros(image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1)


def conv2d(input, weight, bias=None, stride=1, padding=0):
    return torch.zeros(len(input), len(weight), input.shape[2] - weight.shape[2] + 1, input.shape[3] - weight.shape[3] + 1)
