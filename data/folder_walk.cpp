#include "data/folder_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>

#include "kernels/machine/error.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

// Left behind by systems beside people's files; @eaDir holds thumbnails.
constexpr const char* system_folders[] = {"__MACOSX", "@eaDir", "$RECYCLE.BIN",
                                          "System Volume Information", "lost+found"};

bool is_passed_over(const std::string& name) {
  return name[0] == '.' || std::find(std::begin(system_folders), std::end(system_folders), name) !=
                               std::end(system_folders);
}

std::string lower_case_ending(const fs::path& path) {
  std::string end = path.extension().string();
  std::transform(end.begin(), end.end(), end.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return end;
}

bool is_image_ending(const std::string& end) {
  return end == ".jpg" || end == ".jpeg" || end == ".png";
}

}  // namespace

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_image_name(const std::string& name) { return is_image_ending(lower_case_ending(name)); }

namespace {

std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  try {
    std::vector<fs::directory_entry> entries;
    for (auto& entry : fs::directory_iterator(folder)) entries.push_back(entry);
    std::sort(entries.begin(), entries.end());
    return entries;
  } catch (const fs::filesystem_error& e) {
    throw FormatError(folder.string(), "cannot be listed: " + e.code().message());
  }
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}
bool is_file(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_regular_file(ignored);
}
bool is_link(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_symlink(ignored);
}

class Walk {
 public:
  explicit Walk(const fs::path& root) : root_(root) { folders_.push_back(root); }

  FolderContent run() {
    while (!folders_.empty() || !links_.empty()) {
      auto& next = folders_.empty() ? links_ : folders_;
      const bool linked = folders_.empty();
      const fs::path folder = next.front();
      next.pop_front();
      if (is_new(folder))
        visit(folder);
      else
        content_.seen_before += linked;
    }
    for (auto& [name, files] : content_.images) std::sort(files.begin(), files.end());
    return std::move(content_);
  }

 private:
  // Folders are told apart by what they are, not by the names that lead to them.
  bool is_new(const fs::path& folder) {
    struct stat status;
    return ::stat(folder.c_str(), &status) != 0 ||
           visited_.insert({status.st_dev, status.st_ino}).second;
  }

  void visit(const fs::path& folder) {
    const fs::path relative = folder.lexically_relative(root_);
    const std::string name = relative == "." ? "" : relative.generic_string();
    for (auto& entry : entries_of(folder)) {
      if (is_passed_over(entry.path().filename().string()))
        ++content_.hidden;
      else if (is_folder(entry))
        (is_link(entry) ? links_ : folders_).push_back(entry.path());
      else
        note_file(entry, name);
    }
  }

  void note_file(const fs::directory_entry& entry, const std::string& folder) {
    const std::string end = lower_case_ending(entry.path());
    if (is_file(entry) && is_image_ending(end))
      content_.images[folder].push_back(entry.path().string());
    else if (is_file(entry))
      ++content_.others[end.empty() ? "without an ending" : end];
    else if (is_link(entry))
      ++content_.broken;
    else
      ++content_.others["pipes and devices"];
  }

  fs::path root_;
  FolderContent content_;
  std::deque<fs::path> folders_, links_;
  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

FolderContent walk_folder(const std::string& root) { return Walk(root).run(); }

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> names;
  for (auto& entry : entries_of(folder)) {
    std::string name = entry.path().filename().string();
    if (is_folder(entry) && !is_passed_over(name)) names.push_back(std::move(name));
  }
  return names;
}

bool holds_images(const std::string& folder) {
  for (auto& entry : entries_of(folder))
    if (!is_passed_over(entry.path().filename().string()) && is_file(entry) &&
        is_image_ending(lower_case_ending(entry.path())))
      return true;
  return false;
}

}  // namespace tweed
