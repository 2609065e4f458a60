"""Decodes codes with each set of kernels for kernels.py: FOLDER SIGNATURE.

Needs LiteRT and NumPy only, since it also runs where nothing else is installed. Reads
`decoder.tflite` and `codes.npy`, (n, batch 1, ...), and writes `output-KERNELS.npy`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

RESOLVERS = {
    "xnnpack": OpResolverType.AUTO,
    "optimised": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def main() -> None:
    folder, signature = Path(sys.argv[1]), sys.argv[2]
    codes = np.load(folder / "codes.npy")
    content = (folder / "decoder.tflite").read_bytes()
    for name, resolver in RESOLVERS.items():
        model = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
        if signature:
            runner = model.get_signature_runner(signature)
            ((given, _),) = runner.get_input_details().items()
            outputs = [next(iter(runner(**{given: code}).values()))[0] for code in codes]
        else:
            model.allocate_tensors()
            here, there = (
                details[0]["index"]
                for details in (model.get_input_details(), model.get_output_details())
            )
            outputs = []
            for code in codes:
                model.set_tensor(here, code)
                model.invoke()
                outputs.append(model.get_tensor(there)[0])
        np.save(folder / f"output-{name}.npy", np.stack(outputs))


if __name__ == "__main__":
    main()
