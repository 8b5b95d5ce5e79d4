// What an exercise's checker finds: points, and what a student can act on.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// What a blank throws that is still there: "the loss is not written yet".
struct Blank {
  std::string what;
};
/// For host code, in the place of what is to be written.
[[noreturn]] inline void blank(const std::string& what) { throw Blank{what}; }

/// One thing that was checked.
struct Finding {
  std::string name;
  double points = 0, most = 0;  ///< most is 0 for what is only said
  std::string advice;           ///< empty where all points were won
  std::string note = "";        ///< what was measured
};
/// How many bytes of the GPU's memory a kernel may move.
struct Allowed {
  int64_t bytes = 0;
  double points = 0;   ///< for not more
  std::string advice;  ///< for one that moves more
};

/// The sheet that a checker fills. Checks go on after one that fails, so that a student sees all.
class Sheet {
 public:
  /// Runs a part of the check, which wins `points` unless it throws: Wrong with advice, what the
  /// simulator finds, or a Blank.
  void part(const std::string& name, double points, const std::function<void()>& check);
  /// A part that also says how many bytes of the GPU's memory its kernels move: sectors of 32, as
  /// sim/banks.h counts them, so without caches. Beside it stands the least that any kernel could
  /// move, which reads and writes each number once. Without points it is only said, once all is
  /// right. Where fewer are moved than that, something else than kernels did the work, and no part
  /// wins its points.
  /// @param least  in bytes
  /// @param check  runs the kernel by on_simulator()
  void bytes_moved(int64_t least, const std::function<void()>& check, const Allowed& allowed = {});
  /// Says how long a call takes on one core, and Tweed's own, once all is right. That wins no
  /// points: it depends on the machine, and on what else runs there.
  void time(const std::function<void()>& run, const std::function<void()>& own);
  const std::vector<Finding>& findings() const { return findings_; }
  double points() const;
  double most() const;

 private:
  void win_nothing(const std::string& advice);
  std::vector<Finding> findings_;
};

/// What a part throws: advice for the student.
struct Wrong {
  std::string advice;
};
/// @throws Wrong  with the advice, unless `right`
void expect(bool right, const std::string& advice);
/// Compares numbers; says which is the first that differs, what it should be, and how many are so,
/// and whether it was not written at all: see unwritten().
/// @param what  "y", or "y of 3 rows", of which "y[5] of 3 rows" is an element; of one number, the
///              number itself
void expect_equal(const std::string& what, const std::vector<float>& got,
                  const std::vector<double>& expected, double tolerance);

/// Runs a kernel on the simulator. @throws Wrong  with its findings: file, line, block, thread; or
/// if there was no launch
void on_simulator(const std::function<void(Sim&)>& run);
/// The same, and how many wavefronts of shared memory a layout without conflicts would have saved,
/// with the line that loses most.
struct Conflicts {
  int64_t count = 0;
  std::string line;
};
/// @param accesses  if given, gets how often warps used shared memory
Conflicts conflicts_of(const std::function<void(Sim&)>& run, int64_t* accesses = nullptr);

/// Numbers that look random, the same each time, in [-1, 1).
std::vector<float> numbers(std::size_t count, uint32_t seed);
/// Places for results: a NaN of its own kind, so that one that was not written is seen.
std::vector<float> unwritten(std::size_t count);

/// Of the exercise: fills the sheet.
void check(Sheet& sheet);

}  // namespace tweed::exercise
