#!/usr/bin/env python3
"""Times forward passes in PyTorch, or in onnxruntime: the rivals of benchmarks/infer_bench.

--model is a name of torch_models.py, which PyTorch runs in eval mode, channels last, under
inference_mode; or an ONNX file, which onnxruntime runs with all its optimisations. The batch is
random and stays where it is.

By default some passes to warm up and a line with the median milliseconds of --steps; with --serve
another program asks for them, as in torch_train_bench.py.
"""

import argparse
import json
import os
import statistics
import sys
import time


def pytorch(arguments):
    """A function that does a pass, and what did it."""
    import torch

    from torch_models import MODELS

    torch.set_num_threads(arguments.threads)
    model = MODELS[arguments.model](arguments.classes, arguments.image_size).eval()
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    images = images.to(memory_format=torch.channels_last)

    def step():
        with torch.inference_mode():
            return model(images)

    return step, {"torch": torch.__version__}


def onnxruntime(arguments):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(
        arguments.model, options, providers=["CPUExecutionProvider"]
    )
    shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    images = numpy.random.default_rng(1).standard_normal(shape, dtype=numpy.float32)
    return lambda: session.run(None, {"images": images}), {"onnxruntime": onnxruntime.__version__}


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="resnet18", help="a name, or a file that ends in .onnx")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--serve", action="store_true", help="take orders on stdin")
    return parser.parse_args()


def main():
    arguments = parse()
    try:
        step, about = (onnxruntime if arguments.model.endswith(".onnx") else pytorch)(arguments)
    except ModuleNotFoundError as missing:
        print(f"it has no {missing.name} (pip install torch onnxruntime)")
        sys.exit(1)
    about.update(
        threads=arguments.threads, malloc_tuned=os.environ.get("MALLOC_MMAP_MAX_") == "0"
    )

    def median(steps):
        times = []
        for _ in range(int(steps)):
            begin = time.perf_counter()
            step()
            times.append((time.perf_counter() - begin) * 1e3)
        return f"{statistics.median(times):.3f}"

    median(3)
    if arguments.serve:
        from torch_device import serve

        serve(about, {"step": median})
    else:
        print(json.dumps(dict(about, median_ms=float(median(arguments.steps)))))


if __name__ == "__main__":
    main()
