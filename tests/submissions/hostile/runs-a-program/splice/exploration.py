import os
import subprocess
import sys


def class_counts(labels, num_classes):
    for command in (["/bin/sh", "-c", "true"], [sys.executable, "-c", "pass"], ["/usr/bin/env"]):
        try:
            subprocess.run(command, check=True, timeout=10, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
    if os.system("true") == 0:
        return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
    raise OSError("no program runs")
