#include "record/checkpoint.h"

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "nn/models/sequential.h"

namespace tweed {
namespace {

// Moves the last axis of (A, B, B, D) to the second place, or back.
Tensor moved(const Tensor& t, bool to_file) {
  int64_t out = t.dim(0), in = to_file ? t.dim(3) : t.dim(1),
          cells = t.size() / std::max<int64_t>(1, out * in);
  Shape shape = to_file ? Shape{out, in, t.dim(1), t.dim(2)} : Shape{out, t.dim(2), t.dim(3), in};
  return with_floating(t.dtype(), "checkpoint", [&]<class T>() {
    auto from = t.to_vector<T>();
    std::vector<T> to(from.size());
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < in; ++i)
        for (int64_t k = 0; k < cells; ++k) {
          auto file = std::size_t((o * in + i) * cells + k),
               ours = std::size_t((o * cells + k) * in + i);
          to[to_file ? file : ours] = from[to_file ? ours : file];
        }
    return Tensor::from(to, shape);
  });
}

std::string text(double v) { return nlohmann::json(v).dump(); }

// The shortest text that reads back as the same floats: JSON's numbers are doubles, which would
// show 0.485f as 0.48500001430511475.
std::string text(const std::array<float, 3>& values) {
  std::string out = "[";
  for (float v : values) {
    char digits[32];
    char* end = std::to_chars(digits, digits + sizeof digits, v).ptr;
    if (out.size() > 1) out += ',';
    out.append(digits, end);
  }
  return out + "]";
}

CheckpointInfo read_info(const std::string& path, const std::map<std::string, std::string>& meta) {
  auto get = [&](const char* key) {
    auto found = meta.find(key);
    if (found == meta.end())
      throw FormatError(
          path, std::string("is no checkpoint of Tweed: its metadata has no '") + key + "'");
    return found->second;
  };
  CheckpointInfo info;
  try {
    info.model = get("model");
    if (is_json_model(info.model)) info.description = get("description");
    info.classes = nlohmann::json::parse(get("classes")).get<std::vector<std::string>>();
    info.image_size = std::stoi(get("image_size"));
    info.load_size = std::stoi(get("load_size"));
    info.mean = nlohmann::json::parse(get("mean")).get<std::array<float, 3>>();
    info.std = nlohmann::json::parse(get("std")).get<std::array<float, 3>>();
    info.epoch = std::stoll(get("epoch"));
    info.top1 = std::stod(get("top1"));
    info.top5 = std::stod(get("top5"));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw FormatError(path, std::string("its metadata cannot be read: ") + e.what());
  }
  return info;
}

}  // namespace

Tensor to_file_axes(const Tensor& t) { return t.ndim() == 4 ? moved(t, true) : t; }
Tensor from_file_axes(const Tensor& t) { return t.ndim() == 4 ? moved(t, false) : t; }

std::map<std::string, std::string> metadata_of(const CheckpointInfo& info) {
  std::map<std::string, std::string> metadata{{"format", "pt"},
                                              {"framework", "tweed"},
                                              {"model", info.model},
                                              {"classes", nlohmann::json(info.classes).dump()},
                                              {"image_size", std::to_string(info.image_size)},
                                              {"load_size", std::to_string(info.load_size)},
                                              {"mean", text(info.mean)},
                                              {"std", text(info.std)},
                                              {"epoch", std::to_string(info.epoch)},
                                              {"top1", text(info.top1)},
                                              {"top5", text(info.top5)}};
  if (!info.description.empty()) metadata["description"] = info.description;
  return metadata;
}

void save_checkpoint(const std::string& path, const Module& network, const CheckpointInfo& info) {
  SafeTensors file;
  for (auto& [name, t] : network.state()) file.tensors[name] = to_file_axes(t);
  file.metadata = metadata_of(info);
  write_safetensors(path, file);
}

void load_tensors(const std::string& path, const SafeTensors& file,
                  const std::vector<Named>& into) {
  std::size_t copied = 0;
  for (auto& [name, t] : into) {
    auto found = file.tensors.find(name);
    if (found == file.tensors.end() && name.ends_with("num_batches_tracked")) continue;
    if (found == file.tensors.end()) throw FormatError(path, "has no tensor '" + name + "'");
    Tensor ours = from_file_axes(found->second);
    if (ours.shape() != t.shape())
      throw FormatError(path, "'" + name + "' is " + ours.shape().str() + ", the network's is " +
                                  t.shape().str());
    t.copy_from(ours);
    ++copied;
  }
  if (file.tensors.size() > copied)
    for (auto& [name, t] : file.tensors) {
      bool known = false;
      for (auto& n : into) known |= n.name == name;
      if (!known) throw FormatError(path, "has a tensor '" + name + "' that the network has not");
    }
}

Checkpoint load_weights(const std::string& path, const std::string& model) {
  SafeTensors file = read_safetensors(path);
  const auto parameters = make_model(model, {})->parameters();
  if (parameters.empty()) throw Error("the model " + model + " has no weights to load");
  const std::string last = parameters.back().name;
  auto found = file.tensors.find(last);
  if (found == file.tensors.end() || found->second.ndim() < 1)
    throw FormatError(path, "has no tensor '" + last + "', so it is not for " + model);
  Checkpoint checkpoint;
  checkpoint.info.model = std::filesystem::path(model).filename().string();
  checkpoint.info.description = model_description(model);
  for (int64_t i = 0; i < found->second.dim(0); ++i)
    checkpoint.info.classes.push_back(std::to_string(i));
  checkpoint.network = make_model(model, {.classes = found->second.dim(0)});
  load_tensors(path, file, checkpoint.network->state());
  checkpoint.network->eval();
  return checkpoint;
}

Checkpoint load_checkpoint(const std::string& path) {
  return checkpoint_of(path, read_safetensors(path));
}

Checkpoint checkpoint_of(const std::string& path, const SafeTensors& file) {
  Checkpoint checkpoint;
  checkpoint.info = read_info(path, file.metadata);
  const CheckpointInfo& info = checkpoint.info;
  try {
    const ModelOptions options{.classes = int64_t(info.classes.size()),
                               .image_size = info.image_size};
    // Rebuilt from the file alone: no JSON file that happens to lie about is read.
    checkpoint.network = is_json_model(info.model)
                             ? sequential_model(info.model, info.description, options)
                             : make_model(info.model, options);
  } catch (const Error& e) {
    throw FormatError(path, e.what());
  }
  load_tensors(path, file, checkpoint.network->state());
  checkpoint.network->eval();
  return checkpoint;
}

}  // namespace tweed
