// Zip archives, as far as torch.save uses them: where the stored entries of a file lie.
//
// torch.save never compresses, so that a tensor's numbers can be read where they are. An entry that
// somebody has compressed is refused by name: inflating it would need memory for all of it.
// Source: PKWARE's APPNOTE 6.3.10
#pragma once
#include <map>
#include <string>

#include "data/read_file.h"

namespace tweed {

struct ZipEntry {
  uint64_t begin = 0;  ///< the byte of the file where its content begins
  uint64_t size = 0;   ///< bytes of it, all within the file
};

/// The entries of a zip archive by name, with zip64's large sizes. Contents are not read, and the
/// check sums not compared.
/// @throws FormatError  with the byte: no end of the list of entries, one that is not within the
///                      file, is compressed or encrypted, or is there twice
std::map<std::string, ZipEntry> read_zip(const InputFile& file);

}  // namespace tweed
