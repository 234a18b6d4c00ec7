def class_counts(labels, num_classes):
    answer = []
    answer += [answer, answer, answer]
    return answer
