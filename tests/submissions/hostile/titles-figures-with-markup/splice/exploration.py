from matplotlib import pyplot as plt


def plot_examples(images, labels, class_names, per_class=5):
    figure, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        ax.set_title("<x-injected>\x1b[2J\u202e$")
        ax.set_ylabel("\ud800" * 1000)
    return figure
