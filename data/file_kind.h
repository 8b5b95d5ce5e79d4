// What a file is, from its first bytes: for messages about files that are not what was expected.
#pragma once
#include <string>
#include <string_view>

namespace tweed {

enum class FileKind {
  unknown,
  empty,
  jpeg,
  png,
  webp,
  gif,
  bmp,
  tiff,
  heif,          ///< HEIC and AVIF too
  apple_double,  ///< a "._" file that macOS leaves beside a copied one
  zip,
  pytorch,      ///< torch.save's zip
  pytorch_old,  ///< torch.save's stream before version 1.6
  pickle,
  numpy,  ///< .npy
  npz,    ///< numpy.savez's zip
  hdf5,   ///< Keras' .h5
  gzip,
  html,
  lfs_pointer,  ///< what Git LFS leaves where the real file was not fetched
  utf16,
  utf8_bom,  ///< text with a byte order mark in front
  json,
  text,
};

/// @param head  the first bytes of the file; 512 are enough
FileKind file_kind(std::string_view head);

/// For a sentence such as "it is ...": "a WebP image"; "" for unknown.
const char* description(FileKind kind);

}  // namespace tweed
