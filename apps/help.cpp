#include "apps/help.h"

#include <algorithm>
#include <memory>
#include <sstream>

#include "apps/terminal.h"

namespace tweed::app {
namespace {

constexpr int most_columns = 80, column = 26;

int help_width() {
  const int terminal = terminal_width();
  return terminal ? std::min(terminal, most_columns) : most_columns;
}

// A name, and what it means in a column of its own; below it on narrow terminals or beside long
// names.
std::string entry(const std::string& name, const std::string& meaning) {
  const int width = help_width();
  const std::string head = wrapped("  " + name, width, 6);
  if (meaning.empty()) return head + "\n";
  const bool beside = width >= 60;
  const int indent = beside ? column : 6;
  const std::string margin(std::size_t(indent), ' ');
  std::string text = wrapped(meaning, width - indent, 0);
  for (std::size_t i = 0; (i = text.find('\n', i)) != std::string::npos; i += margin.size() + 1)
    text.insert(i + 1, margin);
  if (!beside || int(head.size()) + 2 > column) return head + "\n" + margin + text + "\n";
  return head + margin.substr(head.size()) + text + "\n";
}

class Help : public CLI::Formatter {
 public:
  explicit Help(std::vector<std::string> common) : common_(std::move(common)) {}

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    const bool all = mode == CLI::AppFormatMode::All || common_.empty();
    std::string usage = "usage: " + name + " [flags]";
    for (const CLI::Option* option : positionals(app))
      usage += option->get_required() ? " " + type_of(*option) : " [" + type_of(*option) + "]";
    std::string text;
    std::istringstream lines(app->get_description() + "\n\n" + usage);
    for (std::string line; std::getline(lines, line);)  // examples are indented, sentences are not
      text += wrapped(line, help_width(), line.starts_with(' ') ? 6 : 0) + "\n";
    std::size_t left_out = 0;
    for (const CLI::Option* option : positionals(app))
      text += "\n" + entry(type_of(*option), meaning_of(*option));
    for (auto& group : app->get_groups()) {
      std::string lines;
      for (const CLI::Option* option : app->get_options()) {
        if (option->get_group() != group || !option->nonpositional()) continue;
        if (all || is_common(*option))
          lines += entry(names_of(*option), meaning_of(*option));
        else
          ++left_out;
      }
      if (!lines.empty()) text += "\n" + (group == "Options" ? "General" : group) + ":\n" + lines;
    }
    if (left_out)
      text += "\n" + wrapped("--help-all lists " + std::to_string(left_out) + " more flags.\n",
                             help_width());
    return text;
  }

 private:
  static std::vector<const CLI::Option*> positionals(const CLI::App* app) {
    return app->get_options([](const CLI::Option* o) { return o->get_positional(); });
  }
  static std::string type_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (type != "TEXT" || !option.get_positional()) return type;
    std::string name = option.get_single_name();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return char(std::toupper(c)); });
    return name;
  }
  // "-b, --batch-size N"
  static std::string names_of(const CLI::Option& option) {
    std::string names;
    auto add = [&](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
    for (auto& name : option.get_snames()) add("-" + name);
    for (auto& name : option.get_lnames()) add("--" + name);
    if (option.get_expected_max() > 0 && option.get_type_size_max() > 0)
      names += " " + option.get_type_name();
    return names;
  }
  static std::string meaning_of(const CLI::Option& option) {
    const std::string standard = option.get_default_str();
    if (standard.empty()) return option.get_description();
    return option.get_description() + " [" + standard + "]";
  }
  bool is_common(const CLI::Option& option) const {
    return std::any_of(common_.begin(), common_.end(),
                       [&](auto& name) { return option.check_name(name); });
  }

  std::vector<std::string> common_;
};

}  // namespace

void use_our_help(CLI::App& app, const std::vector<std::string>& common) {
  app.set_help_flag("-h,--help", "print this and exit");
  app.set_help_all_flag("--help-all", "print all flags and exit");
  app.formatter(std::make_shared<Help>(common));
}

}  // namespace tweed::app
