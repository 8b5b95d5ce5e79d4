// The folder of a training run: which one it is, and that no other run writes there.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "record/run_files.h"

namespace tweed::app {

/// "epoch-7.state.safetensors", of --keep.
std::string kept_state(int64_t epoch);

/// The epochs whose states a folder keeps, in their order.
std::vector<int64_t> kept_epochs(const std::string& folder);
/// Gives a file that is only ever replaced as a whole a second name, which needs no room where the
/// file system has hard links. @throws Error
void keep_as(const std::string& from, const std::string& to);

/// A folder that belongs to this process. The system takes the lock back when the process ends,
/// however it ends.
class RunFolder {
 public:
  /// Creates the folder if need be, and locks it.
  /// @throws Error  if it cannot be written to, or a process that runs has it: "process 123 ..."
  explicit RunFolder(const std::string& path);
  /// A folder that another process of the same training has locked, and writes to.
  static std::shared_ptr<RunFolder> of_leader(const std::string& path);
  /// Leaves no trace of a run that wrote nothing: folders that were made for it go.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  RunFolder() = default;
  bool take_lock();
  void leave();

  std::string path_, lock_path_;
  std::vector<std::string> made_;  // folders, the innermost first
  bool made_lock_ = false, locked_ = false;
  int lock_ = -1;
};

/// Whether a run has left something of value there: weights, curves, or a line of metrics. What was
/// killed in its first epoch has not. Without a state, any file counts that a run would write over.
bool holds_run(const std::string& folder);
/// Removes what follows from a run's state, and nothing else.
void remove_followers(const std::string& folder);

struct FolderWish {
  std::string out = "runs/train";
  bool given = false;      ///< otherwise `out` is a default
  bool overwrite = false;  ///< what another run has left there
  std::string resumed;     ///< the folder of the run that goes on; empty for a new one
};

/// The folder for a run to write to, locked: `out` if it was given; the resumed run's own; else the
/// first of OUT, OUT-2, OUT-3, ... that is free.
/// @throws Error  if `out` was given and another run is there
std::shared_ptr<RunFolder> open_run_folder(const FolderWish& wish);

/// Whether two paths are the same folder.
bool same_folder(const std::string& a, const std::string& b);

/// For who writes "best" or "last" as the coursework does: "; the newest run is runs/train-3". Else
/// "".
std::string named_run(const std::string& path);

/// The weights that PATH means: a run's folder stands for its best.safetensors, or else its last.
std::string weights_file(const std::string& path);

}  // namespace tweed::app
