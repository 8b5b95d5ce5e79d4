// MNIST and the data sets in its form: files of grey images and of labels, maybe gzipped.
#pragma once
#include <string>

#include "data/dataset.h"

namespace tweed {

/// Whether a folder holds train-images-idx3-ubyte and the like, with .gz or without, or with a dot
/// before idx3.
bool is_mnist(const std::string& path);

/// train-images and train-labels are for training, t10k-images and t10k-labels (or test-...) for
/// validation; without these every tenth image of a class, from the tenth on. Classes are called by
/// their numbers, or as Fashion-MNIST's are where "fashion" is in the path.
///
/// @throws FormatError  with file: no file of that form, a size that is not the one it claims,
///                      labels for another number of images
/// Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits"
Listing read_mnist(const std::string& path, Splits splits = Splits::both);

}  // namespace tweed
