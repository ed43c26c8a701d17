"""A teacher that is an ONNX graph, run by ONNX Runtime on one thread of the processor.

A graph computes and does nothing else. Refused are operators that a library would have to bring,
and weights in other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.external_data_helper import uses_external_data
from torch import Tensor

from a2d.errors import A2DError

DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}  # of operators that the standard defines
OUTPUTS = ("logits", "mean", "log_std", "value")
TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class OnnxPolicy:
    """Maps observations to the graph's outputs by their names.

    Args:
        path: of the graph; its one input takes observations as the environment gives them.

    Raises:
        A2DError: it is no graph, or one that is refused.
    """

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        try:
            _check(onnx.load_model_from_string(content))
            self.session = onnxruntime.InferenceSession(
                content, _options(), providers=["CPUExecutionProvider"]
            )
        except A2DError as error:
            raise A2DError(f"{path}: {error}") from error
        except Exception as error:  # of two libraries, which have no common class of errors
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise A2DError(f"{path}: cannot be read as an ONNX graph: {reason}") from error
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in TYPES:
            found = ", ".join(f"{each.name} {each.type}" for each in inputs) or "none"
            raise A2DError(
                f"{path}: should have one input, observations of {', '.join(TYPES)}; has {found}"
            )
        self.input, self.type = inputs[0].name, TYPES[inputs[0].type]
        self.one_by_one = inputs[0].shape[:1] == [1]  # a graph without a free batch size
        self.outputs = [each.name for each in self.session.get_outputs() if each.name in OUTPUTS]

    def __call__(self, observations: Tensor) -> dict[str, Any]:
        """Return the known outputs by name, for observations (N, ...)."""
        array = observations.cpu().numpy().astype(self.type, copy=False)
        batches = np.split(array, len(array)) if self.one_by_one else [array]
        try:
            answers = [self.session.run(self.outputs, {self.input: batch}) for batch in batches]
        except Exception as error:  # ONNX Runtime's have no common class
            reason = str(error).splitlines()[0]
            raise A2DError(f"its graph refuses the task's observations: {reason}") from error
        return {
            name: _joined(parts, name)
            for name, parts in zip(self.outputs, zip(*answers, strict=True), strict=True)
        }


def _joined(parts: Sequence[Any], name: str) -> Any:
    """Return an output of all batches; log_std may be the same for all observations."""
    if name == "log_std" and parts[0].ndim < 2:
        return parts[0]
    return np.concatenate([np.atleast_1d(part) for part in parts])


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised
    return options


def _check(model: onnx.ModelProto) -> None:
    """Raise A2DError where a graph needs more than its own bytes and the standard's operators."""
    bodies = [model.graph, *model.functions]
    for node in (node for body in bodies for node in _nodes(body)):
        if node.domain not in DOMAINS | {function.domain for function in model.functions}:
            raise A2DError(f"its operator {node.domain}.{node.op_type} is not of the standard")
    if any(uses_external_data(tensor) for body in bodies for tensor in _tensors(body)):
        raise A2DError("its weights are in other files; save it as one file")


def _graphs(body: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.GraphProto]:
    for node in body.node:
        for attribute in node.attribute:
            yield from ([attribute.g] if attribute.HasField("g") else [])
            yield from attribute.graphs


def _nodes(body: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    yield from body.node
    for graph in _graphs(body):
        yield from _nodes(graph)


def _tensors(body: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.TensorProto]:
    if isinstance(body, onnx.GraphProto):
        yield from body.initializer
        for sparse in body.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in body.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors
    for graph in _graphs(body):
        yield from _tensors(graph)
