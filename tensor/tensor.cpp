#include "tensor/tensor.h"

#include <mutex>

#include "kernels/copy.h"

namespace tweed {

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  auto impl = std::make_shared<Impl>();
  impl->shape = shape;
  impl->dtype = dtype;
  impl->storage = std::make_shared<Storage>(device, std::size_t(shape.size()) * size_of(dtype));
  impl->version = std::make_shared<std::atomic<uint32_t>>(0);
  return Tensor(std::move(impl));
}
Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  zero_bytes(device, t.data(), t.bytes());
  return t;
}
Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill(value);
  return t;
}

double Tensor::item() const {
  if (size() != 1) throw ShapeError("[item] of a tensor of shape " + shape().str());
  return to_doubles()[0];
}

std::vector<double> Tensor::to_doubles() const {
  return with_type(dtype(), [&]<class T>() {
    std::vector<double> values;
    values.reserve(std::size_t(size()));
    for (T v : to_vector<T>()) values.push_back(double(load(v)));
    return values;
  });
}

Tensor Tensor::to(Device target) const {
  if (target == device()) return *this;
  Tensor t = empty(shape(), dtype(), target);
  copy_bytes(target, t.data(), device(), data(), bytes());
  return t;
}

Tensor Tensor::to(DType target) const {
  if (target == dtype()) return *this;
  Tensor t = empty(shape(), target, device());
  with_type(dtype(), [&]<class From>() {
    with_type(target, [&]<class To>() {
      on(device(), [&](auto& here) { convert(here, read<From>(), t.write<To>()); });
    });
  });
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty(shape(), dtype(), device());
  copy_bytes(device(), t.data(), device(), data(), bytes());
  return t;
}

Tensor Tensor::view(const Shape& shape, std::size_t offset) const {
  auto impl = std::make_shared<Impl>();
  impl->storage = this->impl().storage;
  impl->offset = this->impl().offset + offset;
  impl->shape = shape;
  impl->dtype = dtype();
  impl->version = this->impl().version;
  return Tensor(std::move(impl));
}
Tensor Tensor::detach() const {
  Tensor same_elements = view(shape(), 0);
  if (auto known = annotation()) same_elements.annotate(std::move(known));
  return same_elements;
}

Tensor Tensor::reshape(const Shape& target) const {
  if (target.size() != size())
    throw ShapeError("[reshape] " + shape().str() + " to " + target.str());
  return view(target, 0);
}
Tensor Tensor::reshape(const std::vector<int64_t>& sizes) const {
  int64_t known = 1;
  int unknown = -1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != -1) {
      known *= sizes[i];
    } else if (unknown < 0) {
      unknown = int(i);
    } else {
      throw ShapeError("[reshape] only one size may be -1");
    }
  }
  std::vector<int64_t> filled = sizes;
  if (unknown >= 0) {
    if (known == 0 || size() % known)
      throw ShapeError("[reshape] " + shape().str() + " does not divide by " +
                       std::to_string(known));
    filled[std::size_t(unknown)] = size() / known;
  }
  return reshape(Shape(filled));
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  if (ndim() == 0 || begin < 0 || end < begin || end > dim(0))
    throw ShapeError("[slice] " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                     shape().str());
  Shape part = shape();
  part.set(0, end - begin);
  std::size_t row = std::size_t(shape().product(1, ndim())) * size_of(dtype());
  Tensor t = view(part, std::size_t(begin) * row);
  t.impl().version = std::make_shared<std::atomic<uint32_t>>(0);
  if (auto known = annotation(); known && known->is_of_rows()) t.annotate(std::move(known));
  return t;
}

void Tensor::changed() const {
  impl().version->fetch_add(1, std::memory_order_relaxed);
  impl().storage->note_write();
}

// Several threads may compute from one tensor, and each note what it found out.
static std::mutex& annotations() {
  static std::mutex one;
  return one;
}

void Tensor::annotate(std::shared_ptr<const Attachment> a) const {
  const std::lock_guard lock(annotations());
  impl().annotation.swap(a);  // what was there dies with `a`, after the lock
  impl().annotated_version = version();
}
std::shared_ptr<const Attachment> Tensor::annotation() const {
  const std::lock_guard lock(annotations());
  return impl().annotated_version == version() ? impl().annotation : nullptr;
}

void Tensor::fill(double value) const {
  with_type(dtype(), [&]<class T>() {
    on(device(), [&](auto& here) { tweed::fill(here, write<T>(), value); });
  });
  changed();
}
void Tensor::zero() const {
  zero_bytes(device(), data(), bytes());
  changed();
}

void Tensor::copy_from(const Tensor& source) const {
  if (source.shape() != shape())
    throw ShapeError("[copy_from] " + source.shape().str() + " into " + shape().str());
  Tensor same_type = source.to(dtype());
  copy_bytes(device(), data(), same_type.device(), same_type.data(), bytes());
  changed();
}

void Tensor::count_up(int32_t by) const {
  on(device(), [&](auto& here) { tweed::count_up(here, write<int32_t>(), by); });
  changed();
}

void Tensor::rebind(const Tensor& target) const {
  if (target.shape() != shape())
    throw ShapeError("[rebind] " + shape().str() + " to " + target.shape().str());
  impl().storage = target.impl().storage;
  impl().offset = target.impl().offset;
  impl().dtype = target.dtype();
  changed();
}
void Tensor::move_into(const Tensor& target) const {
  target.copy_from(*this);
  rebind(target);
}

}  // namespace tweed
