from matplotlib import pyplot as plt


def plot_examples(images, labels, class_names, per_class=5):
    figure, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        ax.set_title("<x-injected>\u202e=cmd()\u2028")
        ax.set_ylabel("<x-injected>" * 100)
    return figure
