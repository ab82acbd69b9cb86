"""Small weights for ONNX files: float32 weights become int8 with a scale a channel, or float16.

Activations stay float32: a DequantizeLinear or Cast node in front of each user restores the weight,
so that any runtime gives the same answer. Dynamic int8 (of activations too) triples the error of
CAM++ and is not used.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 1024  # values; biases and norms below this stay float32
CHANNEL_AXIS = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0, "MatMul": -1}


def quantize_weights(model: onnx.ModelProto, half=()) -> onnx.ModelProto:
    """Replace large weights of convolutions and matrices of the main graph by int8 and scales.

    model: opset 13 or newer, weights as initializers. It is not changed. A Gemm is taken as
    transB=1, as torch exports it.
    half: words that mark sensitive layers. A weight becomes float16 instead if the name of the node
    that uses it has one of them.
    Returns a new model.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    weights = {i.name: i for i in graph.initializer if i.data_type == TensorProto.FLOAT}
    restorers = []
    for name, axis, user in list(find_weights(graph, weights)):
        if any(word in user for word in half):
            restorers.append(store_half(graph, weights[name]))
        else:
            restorers.append(store_int8(graph, weights[name], axis))
    nodes = restorers + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def find_weights(graph, weights):
    """(name, channel axis, name of the node that uses it) of each initializer to be stored small.

    That is: large, and used as nothing but the weight of one kind of node.
    """
    users = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in weights:
                users.setdefault(name, {})[node.op_type, position] = node.name
    for name, used in users.items():
        (op, position), user = next(iter(used.items()))
        if (
            len(used) == 1
            and position == 1
            and op in CHANNEL_AXIS
            and np.prod(weights[name].dims) >= SMALLEST
        ):
            yield name, CHANNEL_AXIS[op] % len(weights[name].dims), user


def store_half(graph, initializer):
    """Store an initializer as float16; return the Cast node that restores it under its name."""
    name, value = initializer.name, numpy_helper.to_array(initializer)
    graph.initializer.remove(initializer)
    graph.initializer.append(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
    return helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT)


def store_int8(graph, initializer, axis):
    """Store an initializer as int8 with a scale a channel.

    Returns the DequantizeLinear node that restores it under its name.
    """
    name, value = initializer.name, numpy_helper.to_array(initializer)
    other = tuple(i for i in range(value.ndim) if i != axis)
    scale = np.maximum(np.abs(value).max(axis=other, keepdims=True), 1e-12) / 127
    small = np.clip(np.round(value / scale), -127, 127).astype(np.int8)
    graph.initializer.remove(initializer)
    graph.initializer.append(numpy_helper.from_array(small, f"{name}.int8"))
    graph.initializer.append(
        numpy_helper.from_array(scale.astype(np.float32).reshape(-1), f"{name}.scale")
    )
    return helper.make_node(
        "DequantizeLinear", [f"{name}.int8", f"{name}.scale"], [name], axis=axis
    )
