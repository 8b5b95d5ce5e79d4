// What is the same for all rows: their names, and which of them a device has.
#include "autograd/conv/algorithm.h"

namespace tweed {
namespace {

bool has(const ConvMachines& machines, Device device) {
  switch (device.kind()) {
    case Device::Kind::cpu:
      return machines.cpu;
    case Device::Kind::sim:
      return machines.sim;
    default:
      return machines.gpus;
  }
}
// Of a row that not all machines have.
std::string names_of(const ConvMachines& machines) {
  return machines.cpu   ? machine_names<Cpu>()
         : machines.sim ? machine_names<Cuda, Sim>()
                        : machine_names<Cuda>();
}

// Why a device has not got an algorithm, as the end of a sentence that begins with its name.
std::string missing(const ConvAlgorithm& a, Device device) {
  if (!has(a.machines, device))
    return "works on " + names_of(a.machines) + ", not on " + device.name();
  return a.lacking ? a.lacking(device) : "";
}

}  // namespace

void check_conv_algorithm(const ConvAlgorithm& algorithm, Device device) {
  const std::string why = missing(algorithm, device);
  if (!why.empty()) throw DeviceError("[conv2d] '" + std::string(algorithm.name) + "' " + why);
}

std::vector<const ConvAlgorithm*> conv_rows_of(Device device) {
  std::vector<const ConvAlgorithm*> all;
  for (const ConvAlgorithm* row : conv_rows)
    if (missing(*row, device).empty()) all.push_back(row);
  return all;
}

const ConvAlgorithm& able(const ConvAlgorithm& algorithm, const AnyConv& c, ConvPass pass,
                          DType dtype) {
  const ConvAlgorithm* a = &algorithm;
  while (a->can && !a->can(c, pass, dtype)) a = a->otherwise;
  return *a;
}

const ConvAlgorithm* parse_conv_algorithm(const std::string& name) {
  if (name == "auto") return nullptr;
  std::string all = "auto";
  for (const ConvAlgorithm* row : conv_rows) {
    if (name == row->name) return row;
    const bool last = row == *(std::end(conv_rows) - 1);
    all += (last ? " or " : ", ") + std::string(row->name);
  }
  throw Error("there is no convolution '" + name + "': use " + all);
}

std::vector<std::string> conv_algorithms(Device device) {
  std::vector<std::string> names;
  for (const ConvAlgorithm* row : conv_rows_of(device)) names.push_back(row->name);
  return names;
}

std::string conv_algorithms_help() {
  std::string text = "auto (chosen for each shape and pass)";
  for (const ConvAlgorithm* row : conv_rows) {
    const bool everywhere = row->machines.cpu && row->machines.gpus;
    const std::string where = everywhere ? "" : "; " + names_of(row->machines);
    text += ", " + std::string(row->name) + " (" + row->about + where + ")";
  }
  return text;
}

void set_conv_algorithm(Device device, const ConvAlgorithm* algorithm) {
  if (algorithm) check_conv_algorithm(*algorithm, device);
  on(device, [&](auto& here) { here.conv = algorithm; });
}

const ConvAlgorithm* conv_algorithm(Device device) {
  return on(device, [](auto& here) { return here.conv; });
}

}  // namespace tweed
