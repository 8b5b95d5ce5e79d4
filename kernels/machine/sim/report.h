// Findings and warnings, and the lines of source they are about.
#pragma once
#include <string>
#include <vector>

#include "kernels/machine/machine.h"

namespace tweed::sim {

/// Kinds of findings; one of each is reported for an instruction.
enum class Bug {
  wrote_written,
  wrote_read,
  read_written,
  uninitialised,
  not_arrived,
  outside,
  read_only,
  misaligned,
  local,
  array_index,
  barrier,
  warp
};

void start_report(int most);
/// Whether this one is new and wanted; then add_finding() may follow.
bool wanted(Bug bug, const void* pc);
/// Every '@' in `text` becomes the file and line of one of `places`, which are return addresses.
void add_finding(std::string text, std::vector<const void*> places);
/// "block 2 thread (5,0)"
std::string thread_name(uint32_t block, int thread);
/// The kernel's line for each return address: "NAME.cu:LINE".
std::vector<std::string> source_lines(const std::vector<const void*>& pcs);
/// What was found since start_report(), with its places.
std::vector<std::string> finding_texts();
/// Throws what was found since start_report(), if anything.
void throw_findings(const void* kernel);

/// Warnings of the last launch, each "[sim] FUNCTION at FILE:LINE wants ..."; they are printed to
/// stderr when they come up for the first time.
std::vector<std::string> warnings();

}  // namespace tweed::sim
