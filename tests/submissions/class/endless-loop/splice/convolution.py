def convolve(image, kernel):
    row = 0
    while row < image.shape[0]:
        column = 0
    return image
