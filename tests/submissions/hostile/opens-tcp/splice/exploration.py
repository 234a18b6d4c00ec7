import socket


def class_counts(labels, num_classes):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=2):
        return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
