// Oxford-IIIT Pet: annotations/trainval.txt and test.txt, and the photos in images/.
#include <charconv>
#include <filesystem>
#include <map>

#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/text_lines.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

// "Abyssinian_100 1 1 1": a name, its class from 1 on, cat or dog, breed.
struct Pet {
  std::string name;
  int number = 0;
  std::string breed() const { return name.substr(0, name.rfind('_')); }
};

Pet parse_pet(const std::string& file, const TextLine& line) {
  constexpr int most_classes = 1000;  // 37 in fact
  const auto space = line.text.find(' ');
  Pet pet{line.text.substr(0, space), 0};
  const char* end = line.text.data() + line.text.size();
  const char* digits = space == std::string::npos ? end : line.text.data() + space + 1;
  const auto stop = std::from_chars(digits, end, pet.number).ptr;
  if (pet.number < 1 || pet.number > most_classes || (stop != end && *stop != ' ') ||
      pet.name.rfind('_') == std::string::npos || pet.name.find('/') != std::string::npos)
    throw line_error(file, line.number,
                     in_quotes(line.text) +
                         " is no photo's name and class, such as "
                         "'Abyssinian_100 1 1 1'");
  return pet;
}

using Breeds = std::map<int, std::string>;  // by number

void append_list(const fs::path& root, const char* list, Breeds& breeds,
                 std::vector<Sample>& samples) {
  const std::string file = (root / "annotations" / list).string();
  for (auto& line : read_lines(file)) {
    if (line.text[0] == '#') continue;
    const Pet pet = parse_pet(file, line);
    const auto [known, is_new] = breeds.emplace(pet.number, pet.breed());
    if (!is_new && known->second != pet.breed())
      throw line_error(file, line.number,
                       "class " + std::to_string(pet.number) + " is " + in_quotes(known->second) +
                           " above, not " + in_quotes(pet.breed()));
    const fs::path image = root / "images" / (pet.name + ".jpg");
    if (!is_file(image))
      throw line_error(file, line.number,
                       "the image " + printable(image.string()) + " is not there");
    samples.push_back({image.string(), pet.number});
  }
}

bool is_oxford_pets(const std::string& path) {
  const fs::path root = path;
  return is_file(root / "annotations" / "trainval.txt") ||
         is_file(root / "annotations" / "list.txt");
}

}  // namespace

Listing read_oxford_pets(const std::string& path) {
  const fs::path root = path;
  Listing listing;
  Breeds breeds;
  const bool parted = is_file(root / "annotations" / "trainval.txt");
  const bool tested = parted && is_file(root / "annotations" / "test.txt");
  append_list(root, parted ? "trainval.txt" : "list.txt", breeds, listing.train);
  if (tested) append_list(root, "test.txt", breeds, listing.validation);
  std::map<int, int> labels;  // numbers may leave gaps
  for (auto& [number, breed] : breeds) {
    labels.emplace(number, int(labels.size()));
    listing.classes.push_back(breed);
  }
  for (auto* samples : {&listing.train, &listing.validation})
    for (Sample& sample : *samples) sample.label = labels.at(sample.label);
  if (!tested) split_off_validation(listing);
  return listing;
}

namespace {

Listing list_pets(const std::string& spec, const DataOptions&, Splits) {
  return read_oxford_pets(spec);
}

}  // namespace

const Layout layouts::oxford_pets = {"Oxford Pets", is_oxford_pets,  list_pets, squares_from_files,
                                     128,           usual_load_size, true};

}  // namespace tweed
