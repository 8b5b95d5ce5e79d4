#include "apps/saved_run.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/app.h"
#include "apps/run_folder.h"
#include "data/parse_json.h"

namespace tweed::app {
namespace {

namespace fs = std::filesystem;

std::string state_path(const std::string& resume) {
  const std::string end = ".safetensors", state_end = ".state" + end;
  std::error_code none;
  if (fs::is_directory(resume, none)) return resume + "/" + run_file::state;
  if (resume.ends_with(state_end)) return resume;
  return (resume.ends_with(end) ? resume.substr(0, resume.size() - end.size()) : resume) +
         state_end;
}

void check_exists(const std::string& state, const std::string& resume) {
  std::error_code error, none;
  if (fs::exists(state, error)) return;
  if (error) throw FormatError(state, "cannot be read: " + error.message());
  if (fs::exists(folder_of(state) + "/" + run_file::lock, none) && !holds_run(folder_of(state)))
    throw FormatError(resume, "the run there ended before its first step: start it anew");
  if (!fs::exists(resume, none))
    throw FormatError(resume, "cannot be read: no such file" + named_run(resume));
  const bool folder = fs::is_directory(resume, none);
  throw FormatError(resume, std::string("has no training state ") + (folder ? "in" : "beside") +
                                " it (" + printable(state) +
                                "); a run goes on from its last.safetensors");
}

}  // namespace

SavedRun load_run(const std::string& resume) {
  SavedRun run;
  run.path = state_path(resume);
  run.folder = folder_of(run.path);
  run.is_earlier = fs::path(run.path).filename() != run_file::state;
  check_exists(run.path, resume);
  run.file = read_safetensors(run.path);
  try {
    constexpr int deepest = 3;  // an object of lists
    run.flags = parse_json(run.path, run.file.metadata.at("flags"), deepest).get<FlagValues>();
    for (auto& [name, values] : run.flags)
      if (values.empty() || (name == "data" && values.size() != 1)) throw Error("no value");
  } catch (const std::exception&) {
    throw FormatError(run.path, "is no training state of this version: its flags cannot be read");
  }
  run.checkpoint = load_checkpoint(run.path, "model.");
  return run;
}

}  // namespace tweed::app
