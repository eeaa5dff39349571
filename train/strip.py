"""Makes the file of a model smaller without changing what it computes."""


def strip(model):
    """Takes out what only people read: names of nodes, shapes in between; and gives tensors in between short names."""
    graph = model.graph
    del graph.value_info[:]
    kept = {t.name for t in [*graph.input, *graph.output]}
    short = {}

    def rename(name):
        return name if not name or name in kept else short.setdefault(name, f"{len(short):x}")

    for weights in graph.initializer:
        weights.name = rename(weights.name)
    for node in graph.node:
        node.name = node.doc_string = ""
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]
