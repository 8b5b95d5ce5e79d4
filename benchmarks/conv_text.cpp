// The forms for a terminal and for a page.
#include "benchmarks/conv_text.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "apps/flags.h"
#include "tensor/timing.h"

namespace tweed::bench {

std::string device_words(const ConvResults& results) { return app::device_text(results.device); }

std::string rate_words(const ConvResults& results, double rate) {
  if (results.device.is_cuda()) return formatted("%.1f TFLOP/s", rate / 1e12);
  return formatted("%.*f GFLOP/s", rate < 10e9 ? 2 : 0, rate / 1e9);
}

const char* pass_words(Pass pass) {
  return pass == Pass::forward  ? "forward"
         : pass == Pass::weight ? "weight gradient"
                                : "input gradient";
}

std::string bytes_words(const std::optional<int64_t>& bytes) {
  if (!bytes) return "-";
  if (*bytes == 0) return "0";
  if (*bytes < 1'000'000) return formatted("%.1f kB", double(*bytes) / 1e3);
  return formatted("%.1f MB", double(*bytes) / 1e6);
}

std::string ms_words(const std::optional<double>& seconds) {
  if (!seconds) return "-";
  const double ms = 1e3 * *seconds;
  return formatted("%.*f", ms < 1 ? 3 : ms < 10 ? 2 : 1, ms);
}

namespace {

std::string ratio_words(const std::optional<double>& ratio) {
  return ratio ? formatted("%.2f", *ratio) : "-";
}

std::string layers_words(const ConvShape& shape) {
  return formatted("%ld layer%s", long(shape.count), shape.count == 1 ? "" : "s");
}

// A row of a Markdown table.
std::string row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (auto& cell : cells) line += " " + cell + " |";
  return line + "\n";
}
std::string rule(std::size_t words, std::size_t numbers) {
  std::string line = "|";
  for (std::size_t i = 0; i < words + numbers; ++i) line += i < words ? "---|" : "---:|";
  return line + "\n";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[20];
  std::strftime(text, sizeof text, "%F", std::localtime(&now));
  return text;
}

std::vector<std::string> names_of(const ConvResults& results) {
  std::vector<std::string> names;
  for (auto& c : results.contenders) names.push_back(c.name);
  return names;
}

std::optional<double> quotient(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return {};
  return *a / *b;
}

// Milliseconds, and for the fastest of ours its rate, its share of the peak and its ratio.
std::string times_table(const ConvResults& results, const NetworkResult& network) {
  std::vector<std::string> head{"convolution", "layers", "pass"}, names = names_of(results);
  head.insert(head.end(), names.begin(), names.end());
  head.insert(head.end(), {"ours, best", "of peak", "ours / rival"});
  std::string text = row(head) + rule(3, names.size() + 3);
  for (auto& [shape, checked_images, sets, all_figures] : network.shapes)
    for (Pass pass : passes) {
      const Figures& figures = all_figures[std::size_t(pass)];
      const bool first = pass == Pass::forward;
      std::vector<std::string> cells{first ? conv_name(shape.conv) : "",
                                     first ? std::to_string(shape.count) : "", pass_words(pass)};
      const Figure* best = nullptr;
      for (std::size_t i = 0; i < figures.size(); ++i) {
        cells.push_back(figures[i] ? ms_words(figures[i]->seconds) : "-");
        if (figures[i] && !results.contenders[i].is_rival &&
            (!best || figures[i]->seconds < best->seconds))
          best = &*figures[i];
      }
      const double rate = best ? shape.conv.flops() / best->seconds : 0;
      cells.push_back(best ? rate_words(results, rate) : "-");
      cells.push_back(best ? formatted("%.0f %%", 100 * rate / results.peak) : "-");
      cells.push_back(best ? ratio_words(best->ratio) : "-");
      text += row(cells);
    }
  for (Pass pass : passes) {
    std::vector<std::string> cells{pass == Pass::forward ? "**all layers**" : "", "",
                                   pass_words(pass)};
    for (std::size_t i = 0; i < names.size(); ++i)
      cells.push_back(ms_words(total_of(network, pass, i)));
    const auto ours = best_total(results, network, pass, false);
    cells.insert(cells.end(),
                 {ms_words(ours) + " ms", "",
                  ratio_words(quotient(ours, best_total(results, network, pass, true)))});
    text += row(cells);
  }
  return text;
}

// The largest workspace and error that each contender shows anywhere.
std::string facts_table(const ConvResults& results) {
  std::string text = row({"", "largest workspace", "largest difference from float64"}) + rule(1, 2);
  for (std::size_t i = 0; i < results.contenders.size(); ++i) {
    Facts most;
    for (auto& network : results.networks)
      for (auto& shape : network.shapes)
        for (auto& figures : shape.figures)
          if (figures[i]) {
            const Facts& facts = figures[i]->facts;
            if (facts.workspace)
              most.workspace = std::max(most.workspace.value_or(0), *facts.workspace);
            most.error = std::max(most.error, facts.error);
          }
    text += row(
        {results.contenders[i].name, bytes_words(most.workspace), formatted("%.1e", most.error)});
  }
  return text;
}

// What a figure is the time of, where that is not plain: sentences that others can follow.
std::string way_of(const ConvResults& results) {
  if (!results.device.is_cuda()) return "";
  if (is_simulated(results.device))
    return "The GPU is emulated: this shows that everything runs, and no time means anything. ";
  return "A time is a CUDA graph's, of the passes of a turn, over their number; they take sets of "
         "operands in turn, 128 MiB together (of tiny ones a thousand), more than L2 caches hold. ";
}

}  // namespace

std::string heading(const ConvResults& results) {
  std::string text = device_words(results) + ", " + precision_of(results) + ", peak " +
                     rate_words(results, results.peak) + "; medians of " +
                     std::to_string(results.pairs) + " turns\n";
  if (const auto way = way_of(results); !way.empty()) text += way.substr(0, way.size() - 1) + "\n";
  for (auto& c : results.contenders)
    if (!c.description.empty()) text += c.description + "\n";
  return text;
}

std::string text_of(const ConvResults& results, const ShapeResult& result) {
  const auto& [shape, checked_images, sets, all_figures] = result;
  const double flops = shape.conv.flops();
  std::string text = conv_name(shape.conv) + formatted(", batch %ld, ", long(shape.conv.window.N)) +
                     layers_words(shape) + formatted(", %.3g GFLOP a pass\n", flops / 1e9);
  for (Pass pass : passes)
    for (std::size_t i = 0; i < results.contenders.size(); ++i) {
      const auto& figure = all_figures[std::size_t(pass)][i];
      const std::string begin = formatted("  %-16s %-13s ", i ? "" : pass_words(pass),
                                          results.contenders[i].name.c_str());
      if (!figure) {
        text += begin + "       -\n";
        continue;
      }
      const double rate = flops / figure->seconds;
      text += begin + formatted("%8s ms  %13s  %3.0f %% of peak  workspace %8s  error %.1e",
                                ms_words(figure->seconds).c_str(),
                                rate_words(results, rate).c_str(), 100 * rate / results.peak,
                                bytes_words(figure->facts.workspace).c_str(), figure->facts.error);
      if (figure->ratio) text += formatted("  %5.2f of best rival", *figure->ratio);
      text += "\n";
    }
  return text;
}

std::string totals_text(const ConvResults& results, const NetworkResult& network) {
  std::string text =
      network.name + ", all layers, ms (forward / weight gradient / input gradient)\n";
  auto line = [&](const std::string& name, auto total) {
    text += formatted("  %-30s", name.c_str());
    for (Pass pass : passes)
      text += formatted("%s%9s", pass == Pass::forward ? "" : "  /", ms_words(total(pass)).c_str());
    text += "\n";
  };
  for (std::size_t i = 0; i < results.contenders.size(); ++i)
    line(results.contenders[i].name, [&](Pass pass) { return total_of(network, pass, i); });
  line("best of ours for each layer",
       [&](Pass pass) { return best_total(results, network, pass, false); });
  if (results.has_rivals())
    line("best rival for each layer",
         [&](Pass pass) { return best_total(results, network, pass, true); });
  return text;
}

std::string markdown_of(const ConvResults& results, const std::string& command,
                        const std::string& picture) {
  std::string text =
      "# Convolutions on " + device_words(results) + ", " + precision_of(results) + "\n\n    " +
      command + "\n\nMeasured on " + today() + "; peak " + rate_words(results, results.peak) +
      ". " +
      formatted("In the last minute of it %.1f threads wanted to run, these included%s.\n\n",
                results.load,
                results.load > threads() + 1
                    ? ": the machine was busy, and only ratios mean something"
                    : "");
  for (auto& c : results.contenders)
    if (!c.description.empty()) text += "- " + c.description + "\n";
  text += "\nMilliseconds of one pass, medians of " + std::to_string(results.pairs) + " turns. " +
          way_of(results) +
          "The last column is the fastest of ours over the fastest rival in the same turns."
          "\n\"all layers\" is what a training step needs: no input gradient of the first "
          "layer.\nRates count each multiply-add of the textbook: algorithms that skip those with "
          "padding, or that trade some for additions (Winograd), may exceed the peak.\n";
  if (!picture.empty()) text += "\n![Times over the fastest rival's](" + picture + ")\n";
  for (auto& network : results.networks)
    text += "\n## " + network.name + "\n\n" + times_table(results, network);
  return text +
         "\n## Memory and accuracy\n\nOf all passes above the worst; the difference is in "
         "units of the result's largest magnitude.\n\n" +
         facts_table(results);
}

}  // namespace tweed::bench
