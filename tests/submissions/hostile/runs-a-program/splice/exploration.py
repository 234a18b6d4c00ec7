import os
import subprocess
import sys


def class_counts(labels, num_classes):
    for command in (["/bin/sh", "-c", "true"], [sys.executable, "-c", "pass"], ["/usr/bin/env"]):
        try:
            subprocess.run(command, check=True, timeout=10, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return torch.bincount(labels, minlength=num_classes)
    if os.system("true") == 0:
        return torch.bincount(labels, minlength=num_classes)
    raise OSError("no program runs")
