def class_counts(labels, num_classes):
    answer = []
    for _ in range(100_000):
        answer = [answer]
    return answer
