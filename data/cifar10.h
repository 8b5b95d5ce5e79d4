// CIFAR-10 and CIFAR-100 in their binary form: records of labels and 32 x 32 pixels.
#pragma once
#include <string>

#include "data/dataset.h"

namespace tweed {

constexpr int cifar10_side = 32;

/// Whether `path` is a CIFAR-10 file (*.bin) or a folder that holds data_batch_*.bin.
bool is_cifar10(const std::string& path);

/// A folder's data_batch_*.bin, in order of names, are for training and its test_batch.bin for
/// validation. A single file is for training, with the test_batch.bin beside it. Without a
/// test_batch.bin every tenth record of a class, from the tenth on, is for validation. Class names
/// come from batches.meta.txt if it is there.
///
/// @throws FormatError  with file and byte: a size that is no multiple of 3,073, a label above 9
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html
Listing read_cifar10(const std::string& path, Splits splits = Splits::both);

/// Whether `path` is train.bin or test.bin of CIFAR-100, or a folder that holds train.bin: files of
/// whole records of 3,074 bytes.
bool is_cifar100(const std::string& path);

/// The same for CIFAR-100: train.bin is for training, the test.bin beside it for validation;
/// records begin with the coarse label, which is passed over, and the fine one. Class names come
/// from fine_label_names.txt if it is there, else they are those of the data set.
Listing read_cifar100(const std::string& path, Splits splits = Splits::both);

/// The image of a record. @throws FormatError
Image read_cifar10_image(const Sample& sample);
Image read_cifar100_image(const Sample& sample);

}  // namespace tweed
