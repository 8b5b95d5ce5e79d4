"""Writes events.tfevents by TensorBoard's own classes: what record/event_file.cpp has to write, byte by byte.

    python3 tests/golden/events.py        needs pip install tensorboard
"""
import pathlib

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

TIME = 1.7e9


def scalar(tag, value):
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def histogram(tag, values, buckets=64):
    values = np.array(values, np.float32).astype(np.float64)
    low, high = values.min(), values.max()
    width = (high - low) / buckets
    limits = [low + width * (i + 1) for i in range(buckets)]
    limits[-1] = high
    counts = [0.0] * buckets
    for value in values:
        counts[min(buckets - 1, int((value - low) / width))] += 1
    squares = 0.0
    for value in values:
        squares += value * value
    proto = summary_pb2.HistogramProto(min=low, max=high, num=len(values), sum=sum(values), sum_squares=squares,
                                       bucket_limit=limits, bucket=counts)
    return summary_pb2.Summary.Value(tag=tag, histo=proto)


def text(tag, words):
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[words.encode()])
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name='text')
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=summary_pb2.SummaryMetadata(plugin_data=plugin))


def main():
    path = pathlib.Path(__file__).with_name('events.tfevents')
    with open(path, 'wb') as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=TIME, file_version='brain.Event:2').SerializeToString())
        for step, value in ((0, text('command', 'train *tiny*')), (10, scalar('data/training_loss', 2.25)),
                            (300, scalar('data/learning_rate', 0.1)),
                            (300, histogram('weights/conv1.weight', [-1.5, 0.25, 0.5, 0.5, 3])),
                            (100000, scalar('data/training_loss', float('nan')))):
            event = event_pb2.Event(wall_time=TIME, step=step, summary=summary_pb2.Summary(value=[value]))
            writer.write(event.SerializeToString())
        writer.flush()


if __name__ == '__main__':
    main()
