// Finding the images below a folder.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tweed {

/// Whether a path leads to anything, to a folder, to a regular file; false where that cannot be
/// told.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);

/// What lies below a folder. Names that begin with a dot, and folders that systems make for
/// themselves (`__MACOSX`, `@eaDir`, `lost+found`, ...), are passed over. Links to folders are
/// followed, but no folder is visited twice: real folders come before links to them.
struct FolderContent {
  /// Image files (.jpg, .jpeg, .png in any case) by the folder they lie in, relative to the root,
  /// "" being the root; both in order of names.
  std::map<std::string, std::vector<std::string>> images;
  std::map<std::string, int64_t> others;  ///< files that are not read, by ending: ".webp", ...
  int64_t hidden = 0;                     ///< entries passed over for their names
  int64_t seen_before = 0;                ///< links to folders that were visited already
  int64_t broken = 0;                     ///< links that lead nowhere
};

/// @throws FormatError  if a folder cannot be listed
FolderContent walk_folder(const std::string& root);

/// The names of the folders in a folder that walk_folder() would visit, in order.
std::vector<std::string> folders_in(const std::string& folder);
/// Whether a file of that name would be read: it ends in .jpg, .jpeg or .png, in any case.
bool is_image_name(const std::string& name);
/// Whether an image lies in the folder itself.
bool holds_images(const std::string& folder);

}  // namespace tweed
