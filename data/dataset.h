// Labelled images: MiniPlaces, CIFAR, MNIST, Oxford Pets, folders of images, and the built-in
// TinyPlaces.
//
//   DataSplits data = open_dataset("datasets/miniplaces", {.classes = "10"});
//   Image image = data.train.image(0);        // 144 x 144
//
// Datasets of files keep all images decoded in memory if these take less than half of what is
// free, and decode on the fly otherwise. A Dataset is cheap to copy (copies share the pixels), and
// may be read from several threads.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/augment.h"
#include "kernels/machine/error.h"

namespace tweed {

/// One labelled image.
struct Sample {
  std::string path;    ///< file, or the name of a drawn scene
  int label = 0;       ///< index into the class names
  int64_t record = 0;  ///< in a file that holds several
};

/// An image that could not be read.
struct DamagedImage {
  std::string file, reason;
};

/// What a FormatError says, without the file that it names.
std::string reason_of(const FormatError& error, const std::string& path);

/// Sums over pixels, of integers: the same on every machine.
struct PixelSums {
  std::array<uint64_t, 3> sum{}, squares{};
  void add(const Image& image);
  /// The mean and standard deviation of each channel of so many pixels, in 0..1.
  Normalization of(int64_t pixels) const;
};

/// A list of labelled square images, all of one size.
class Dataset {
 public:
  /// Makes the stored image of a sample: size x size.
  using Maker = std::function<Image(const Sample&)>;

  Dataset() = default;
  /// @param image_side  height and width of every image that `maker` makes
  /// @param maker       called from several threads at once
  /// @param image_size  pixels of its side that a network should see; 0: all
  Dataset(std::vector<std::string> classes, std::vector<Sample> samples, int image_side,
          Maker maker, int image_size = 0);

  int64_t size() const { return int64_t(samples_.size()); }
  const std::vector<std::string>& classes() const { return classes_; }
  int label(int64_t i) const { return samples_[std::size_t(i)].label; }
  const std::string& path(int64_t i) const { return samples_[std::size_t(i)].path; }
  const std::vector<Sample>& samples() const { return samples_; }

  /// Height and width of image(i).
  int image_side() const { return side_; }
  /// Height and width of the part of it that a network should see.
  int image_size() const { return image_size_; }
  /// Image i at the stored size. @throws FormatError  if it is decoded now and is damaged
  Image image(int64_t i) const;
  /// Decodes every image once, and leaves out those that are damaged; to be called before the
  /// dataset is shared.
  /// @param keep  whether the decoded images stay in memory
  /// @param tick  called from this thread now and then with the images done; may throw to stop
  std::vector<DamagedImage> decode(int workers, bool keep,
                                   const std::function<void(int64_t done)>& tick = {});
  /// The mean and standard deviation of each channel over all pixels, in 0..1.
  Normalization normalization() const;
  /// Takes the pixels of all images but some, which are left out; to be called before the dataset
  /// is shared. @param damaged  indexes, in order   @param sums  over the pixels
  void use_pixels(std::shared_ptr<const uint8_t> pixels, const std::vector<int64_t>& damaged,
                  const PixelSums& sums);
  /// Some of the images, as a data set of their own. @param indexes  in the order wanted
  Dataset part(const std::vector<int64_t>& indexes) const;
  /// Whether all images are decoded already.
  bool in_memory() const { return pixels_ != nullptr; }
  /// The decoded images, (size, side, side, 3); empty unless in_memory().
  Span<const uint8_t> pixels() const { return {pixels_.get(), pixels_ ? bytes() : 0}; }
  /// Image i among them; null unless in_memory().
  const uint8_t* stored(int64_t i) const {
    return pixels_ ? pixels_.get() + i * int64_t(side_) * side_ * 3 : nullptr;
  }
  /// Bytes that the decoded images take or would take.
  int64_t bytes() const { return size() * int64_t(side_) * side_ * 3; }

 private:
  void drop(const std::vector<int64_t>& indexes, std::vector<uint8_t>* pixels);
  std::vector<std::string> classes_;
  std::vector<Sample> samples_;
  int side_ = 0, image_size_ = 0;
  Maker maker_;
  std::shared_ptr<const uint8_t> pixels_;  // (size, side, side, 3), or null
  std::optional<PixelSums> sums_;          // where they are known
};

/// Which part of a data set is wanted; the other stays empty.
enum class Splits { train, validation, both };
/// Where decoded images stay.
enum class Keep { automatic, in_memory, on_the_fly };

struct DataOptions {
  /// "": all; "10": the first ten; or names, comma-separated, in label order. A name may have
  /// commas of its own.
  std::string classes;
  /// Exact names, in label order, whatever characters they have: a network's. Given, `classes` does
  /// not count.
  std::vector<std::string> class_names;
  int64_t limit = 0;              ///< training images a class; 0: all
  int64_t validation_images = 0;  ///< in all, as many of each class as of the others; 0: all
  int image_size = 0;             ///< what the network will see; 0: 128, or 32 for CIFAR-10
  bool all_validation = false;    ///< a folder of classes without splits is for validation whole
  /// Side of the stored images; 0: image_size * 144 / 128, rounded, or image_size for CIFAR-10.
  int load_size = 0;
  int workers = 2;                                  ///< threads that decode
  uint64_t seed = 0;                                ///< of TinyPlaces' scenes
  int64_t tiny_train = 800, tiny_validation = 100;  ///< images a class of TinyPlaces
  Keep keep = Keep::automatic;
  /// Whether decoded images are kept in a file and mapped from there (see pack.h), whatever `keep`
  /// says; and the folder of such files, by default DATA/.tweed-pack. Scenes are drawn in any case.
  bool pack = false;
  std::string pack_folder;
  /// Called from the caller's thread now and then, with the images done and their number.
  std::function<void(int64_t done, int64_t total)> progress;
  /// Asked as often; true ends the reading with an Error.
  std::function<bool()> cancelled;
};

/// The side to which photos are resized before a part of image_size is cut out, as in the
/// coursework: image_size * 144 / 128, rounded.
int usual_load_size(int image_size);

struct DataSplits {
  Dataset train, validation;
  std::vector<DamagedImage> damaged;  ///< left out of train and validation
  int image_size = 0;                 ///< what the network will see
  /// Sentences for the user: what of a folder was taken, what was left out and why, what is odd
  /// about it, and whether images are decoded on the fly. Fit for a terminal.
  std::vector<std::string> notes;
};

/// Opens "tiny" (TinyPlaces), a file of CIFAR-10, or a folder, whose layout is found out: CIFAR-10
/// if it has data_batch_*.bin, CIFAR-100 if it has train.bin, MNIST if it has idx files, Oxford
/// Pets if it has annotations/, MiniPlaces if it has list files, else folders of classes. A folder
/// that holds nothing but another one stands for that one.
///
/// Class names are UTF-8, since files of weights keep them: bytes of another encoding become
/// `\xNN`.
///
/// @throws FormatError  if nothing is there, or what is there is not a data set; the file, the line
///                      and what is missing are named
/// @throws FormatError  if two classes have one name
/// @throws Error        if a class is unknown, over 1 % of the images are damaged, or it was
///                      cancelled
DataSplits open_dataset(const std::string& spec, const DataOptions& options = {},
                        Splits splits = Splits::both);

/// Class names and files as found on disk, before anything is decoded.
struct Listing {
  std::vector<std::string> classes;
  std::vector<Sample> train, validation;
  std::vector<std::string> notes;  ///< as DataSplits::notes
};

/// MiniPlaces as distributed: ROOT/train.txt and ROOT/val.txt with lines
/// "train/a/abbey/00000001.jpg 0", ROOT/categories.txt with lines "/a/abbey 0", and the images
/// below ROOT/images or ROOT. Class names lose the leading letter: "/b/bakery/shop" is
/// "bakery/shop". Only the lists of the splits asked for need to be there.
/// @throws FormatError  with file and line
Listing read_miniplaces(const std::string& root, Splits splits = Splits::both);

/// Oxford-IIIT Pet: ROOT/annotations/trainval.txt for training and test.txt for validation, with
/// lines "Abyssinian_100 1 1 1", of photos ROOT/images/Abyssinian_100.jpg; classes are the breeds.
/// Without test.txt, or from list.txt alone, every tenth photo of a class is for validation.
/// @throws FormatError  with file and line
Listing read_oxford_pets(const std::string& root);

/// Folders of images, much as torchvision's ImageFolder reads them.
///
/// ROOT/train/CLASS/* (or training) with ROOT/val/CLASS/*; for validation the first of val,
/// validation, valid, dev, test, testing counts, in upper or lower case, that has class folders.
/// Without one every tenth image of a class, from the tenth on in order of names, is for
/// validation, as it is for ROOT/CLASS/* alone. A folder called train or test that holds images
/// itself is a class beside other classes.
///
/// A class is a folder that holds images; its name is its path in the split, such as "big/dog", and
/// images further down belong to it, as do those of CLASS/images/. Labels follow the order of the
/// names, in training. Tiny ImageNet's val/val_annotations.txt is read. Files that are not .jpg,
/// .jpeg or .png, names that begin with a dot and system folders such as __MACOSX are passed over;
/// links are followed, but no folder is visited twice. `notes` says what was taken and left out.
/// @param all_validation  ROOT/CLASS/* alone is not split: every image is for validation
Listing read_image_folder(const std::string& root, bool all_validation = false);

/// Keeps the classes that the options ask for, renumbered in that order, of each the first
/// options.limit training images (0: all), and options.validation_images of all.
/// @throws Error  if there is no such class, or it is given twice
Listing choose(Listing listing, const DataOptions& options);

/// Makes class names UTF-8: bytes that are not become `\xNN`, and `notes` says so.
/// @throws FormatError  naming `spec`, if two names are equal, or one is empty or beyond 4096 bytes
void settle_class_names(Listing& listing, const std::string& spec);

}  // namespace tweed
