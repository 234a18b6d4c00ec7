import socket


def class_counts(labels, num_classes):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=2):
        return torch.bincount(labels, minlength=num_classes)
