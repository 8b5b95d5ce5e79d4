// How the tensors of a file and those of a network go together.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"
#include "record/tensor_file.h"

namespace tweed {

/// What a file has of a network's tensors. A missing num_batches_tracked, which older files do not
/// have, is not counted.
struct Match {
  struct Different {
    std::string name;
    Shape file, network;  ///< in the network's axes
  };
  std::string prefix;                   ///< before all names in the file, such as "module."
  std::vector<Named> alike;             ///< of the network, with a tensor of its shape in the file
  std::vector<std::string> missing;     ///< the network's names
  std::vector<Different> different;     ///< there, but of another shape
  std::vector<std::string> unexpected;  ///< the file's names that the network has no use for

  std::size_t total() const { return alike.size() + missing.size() + different.size(); }
  /// The prefix and what is unexpected, a sentence each.
  std::vector<std::string> notes() const;
};

/// Finds the prefix under which the file has most of the tensors, and compares them.
Match match_tensors(const TensorFile& file, const std::vector<Named>& network);

/// @param model  what the file should have been for
/// @throws FormatError  naming what is missing or different, with counts, if anything is
void check_complete(const TensorFile& file, const Match& match, const std::string& model);

/// "'a', 'b', 'c' and 5 more"
std::string some_of(const std::vector<std::string>& names);

}  // namespace tweed
