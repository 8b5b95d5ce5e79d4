// Files that are there whole or not at all, with several writers, after killed ones, and where a
// link, a pipe or a device stands in the way.
#include "data/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "data/class_names.h"
#include "kernels/machine/error.h"
#include "record/metrics.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
int count_in(const std::string& folder) {
  return int(std::distance(fs::directory_iterator(folder), {}));
}
void write_whole(const std::string& path, const std::string& text) {
  WholeFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

TEST_CASE("two writers of one file do not get into each other's") {
  TemporaryFolder folder;
  const std::string path = folder / "x";
  WholeFile first(path);
  first.write("first ");
  WholeFile second(path);
  second.write("second");
  first.write("is whole");
  { WholeFile third(path); }  // gives up
  first.commit();
  CHECK(bytes_of(path) == "first is whole");
  second.commit();
  CHECK(bytes_of(path) == "second");
  CHECK(count_in(folder.path()) == 1);
}

TEST_CASE("what a killed writer left is removed by the next") {
  TemporaryFolder folder;
  const std::string path = folder / "x";
  const pid_t child = ::fork();
  if (child == 0) {
    WholeFile file(path);
    file.write("half");
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  REQUIRE(count_in(folder.path()) == 1);
  write_whole(path, "whole");
  CHECK(bytes_of(path) == "whole");
  CHECK(count_in(folder.path()) == 1);
}

TEST_CASE("a link in place of the temporary file is not followed, one at the target is replaced") {
  TemporaryFolder folder;
  const std::string path = folder / "x", other = folder / "other";
  put_bytes(other, "precious");
  fs::create_symlink(other, path + ".partial");
  write_whole(path, "new");
  CHECK(bytes_of(other) == "precious");
  CHECK(bytes_of(path) == "new");
  CHECK(!fs::is_symlink(path));

  fs::create_symlink(other, folder / "link");
  write_whole(folder / "link", "newer");
  CHECK(bytes_of(other) == "precious");
  CHECK(bytes_of(folder / "link") == "newer");
  CHECK(!fs::is_symlink(folder / "link"));
}

TEST_CASE("new files have the mode that the umask leaves") {
  TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_whole(folder / "x", "");
  ::umask(before);
  CHECK(fs::status(folder / "x").permissions() == fs::perms(0640));
}

TEST_CASE("pipes and devices are written to directly, and nothing waits for a reader") {
  TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(WholeFile(pipe), Contains("pipe: cannot be written: No such device"));
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_whole(pipe, "text");
  char text[5] = {};
  CHECK(::read(reader, text, 4) == 4);
  CHECK(text == std::string("text"));
  ::close(reader);
  write_whole("/dev/null", "text");
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_THROWS_WITH(write_whole("/dev/full", "text"), Contains("No space left"));
}

TEST_CASE("a pipe in place of metrics or names is refused, not waited for") {
  TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (int64_t kept : {0, 3})
    CHECK_THROWS_WITH(MetricsFile(pipe, kept), Contains("pipe: cannot be read: it is a pipe"));
  CHECK_THROWS_WITH(read_metric(pipe, "loss"), Contains("it is a pipe"));
  CHECK_THROWS_WITH(read_metric("/dev/zero", "loss"), Contains("it is a device"));
  CHECK_THROWS_WITH(read_class_names(pipe), Contains("it is a pipe"));
  put_bytes(folder / "deep", std::string(1'000'000, '[') + "\n");
  CHECK_THROWS_WITH(read_metric(folder / "deep", "loss"), Contains("not a JSON object"));
  { MetricsFile file(folder / "deep", 3); }
  CHECK(bytes_of(folder / "deep").empty());
}

TEST_CASE("class names: a mark in front, CR and blank last lines are left out") {
  TemporaryFolder folder;
  const auto names = [&](const std::string& text) {
    put_bytes(folder / "names.txt", text);
    return read_class_names(folder / "names.txt");
  };
  const std::vector<std::string> wanted{"sea, lake", " b", "[misc]", "1"};
  const std::string text = "sea, lake\n b\n[misc]\n1";
  CHECK(names(text) == wanted);
  CHECK(names(text + "\n") == wanted);
  CHECK(names(text + "\n\n  \n") == wanted);
  CHECK(names("\xEF\xBB\xBFsea, lake\r\n b\r\n[misc]\r\n1\r\n\r\n") == wanted);
  CHECK(names("[misc]\nbeach\n").size() == 2);
  const auto refused = [&](const std::string& content, const std::string& what) {
    INFO(content);
    CHECK_THROWS_WITH(names(content), Contains("names.txt: " + what));
  };
  refused("", "is no list of names, one a line, in UTF-8: it is empty");
  refused("\n\n", "names no class");
  refused("a\n\nb\n", "line 2 is blank");
  refused("a\ncaf\xe9\n", "line 2 is not UTF-8: 'caf\\xe9'");
  refused(R"({"0": ["n01", "tench"]})", "is no list of names, one a line, in UTF-8: it is JSON");
  refused(std::string("\xFF\xFE\x61\0", 4),
          "is no list of names, one a line, in UTF-8: it is text in UTF-16");
  refused(std::string("\x89PNG\r\n\x1a\n\0\0", 10),
          "is no list of names, one a line, in UTF-8: it is a PNG");
}
