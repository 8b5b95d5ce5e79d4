// Tensor: a dense, contiguous array of numbers on a device.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/pool.h"
#include "tensor/shape.h"

namespace tweed {

/// What a higher layer hangs on a tensor (autograd: its place in the graph).
struct Attachment {
  virtual ~Attachment() = default;
  /// As an annotation: whether slices of its tensor have it, too.
  virtual bool is_of_rows() const { return false; }
};

/// A handle: copies refer to the same elements, and clone() makes new ones. Row-major, without
/// strides; images are (N, H, W, C).
///
/// Memory is reference-counted and comes from the device's pool. A tensor may be read from several
/// threads; whoever changes one in place must be alone.
class Tensor {
 public:
  /// An undefined tensor: no shape, no elements. Only defined() may be called.
  Tensor() = default;

  /// Elements are arbitrary.
  static Tensor empty(const Shape& shape, DType dtype = DType::float32, Device device = {});
  static Tensor zeros(const Shape& shape, DType dtype = DType::float32, Device device = {});
  static Tensor full(const Shape& shape, double value, DType dtype = DType::float32,
                     Device device = {});
  /// The dtype is that of T. @throws ShapeError if `values` has another size than `shape`
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = {});
  static Tensor scalar(double value, DType dtype = DType::float32, Device device = {}) {
    return full({}, value, dtype, device);
  }
  static Tensor empty_like(const Tensor& t) { return empty(t.shape(), t.dtype(), t.device()); }
  static Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype(), t.device()); }

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const { return impl().shape; }
  int ndim() const { return shape().ndim(); }
  int64_t dim(int axis) const { return shape()[axis]; }
  /// The number of elements.
  int64_t size() const { return shape().size(); }
  std::size_t bytes() const { return std::size_t(size()) * size_of(dtype()); }
  DType dtype() const { return impl().dtype; }
  Device device() const { return impl().storage->device(); }

  /// The elements, for kernels. @throws ShapeError if T is not the dtype
  template <class T>
  Span<const T> read() const {
    return {static_cast<const T*>(checked(dtype_of<T>())), size()};
  }
  template <class T>
  Span<T> write() const {
    impl().storage->note_write();
    return {static_cast<T*>(checked(dtype_of<T>())), size()};
  }

  /// The only element, as a double. @throws ShapeError if there are several
  double item() const;
  /// A copy of all elements on the host. @throws ShapeError if T is not the dtype
  template <class T>
  std::vector<T> to_vector() const;
  /// A copy of all elements on the host, converted.
  std::vector<double> to_doubles() const;

  /// This tensor if it is there already, else a copy.
  Tensor to(Device device) const;
  Tensor to(DType dtype) const;
  Tensor clone() const;
  /// The same elements under another shape of the same size; one size may be -1.
  Tensor reshape(const std::vector<int64_t>& sizes) const;
  Tensor reshape(std::initializer_list<int64_t> sizes) const {
    return reshape(std::vector<int64_t>(sizes));
  }
  Tensor reshape(const Shape& shape) const;
  /// Elements [begin, end) of the first axis, sharing storage.
  Tensor slice(int64_t begin, int64_t end) const;
  /// The same elements without any attachment.
  Tensor detach() const;

  /// Overwrites all elements in place.
  void fill(double value) const;
  void zero() const;
  /// Adds to all elements in place, by a kernel. @throws ShapeError  if the dtype is not int32
  void count_up(int32_t by = 1) const;
  /// Copies the elements of a tensor of the same shape, from any device and dtype.
  void copy_from(const Tensor& source) const;

  /// Counts in-place changes of this view; a tensor that shares storage by slice() counts for
  /// itself. Whoever writes through write() into a tensor that others know calls changed().
  uint32_t version() const { return impl().version->load(std::memory_order_relaxed); }
  void changed() const;
  /// Counts changes, and calls of write(), of all tensors that share this one's storage.
  uint32_t writes() const { return impl().storage->writes(); }
  /// Makes all handles of this tensor refer to the elements of `target`, of the same shape but
  /// perhaps another device and dtype.
  void rebind(const Tensor& target) const;
  /// Copies the elements into `target`, then rebinds to it.
  void move_into(const Tensor& target) const;

  const std::shared_ptr<Attachment>& attachment() const { return impl().attachment; }
  void attach(std::shared_ptr<Attachment> a) const { impl().attachment = std::move(a); }
  /// Keeps what is known of the elements with them, for whoever computes from them next. Threads
  /// that share a tensor may call these two.
  void annotate(std::shared_ptr<const Attachment> a) const;
  /// Null once the elements have changed in place.
  std::shared_ptr<const Attachment> annotation() const;
  /// Tells tensors that share elements from others. Not to be read through.
  const void* address() const { return data(); }
  /// True if both are handles of the same tensor.
  bool same(const Tensor& o) const { return impl_ == o.impl_; }
  /// True if no other tensor shares this storage.
  bool owns_storage() const { return impl_.use_count() == 1 && impl().storage.use_count() == 1; }

  /// Shape, dtype, device and elements, abbreviated beyond 1,000.
  std::string str() const;

 private:
  struct Impl {
    std::shared_ptr<Storage> storage;
    std::size_t offset = 0;  // bytes
    Shape shape;
    DType dtype = DType::float32;
    std::shared_ptr<std::atomic<uint32_t>> version;
    std::shared_ptr<Attachment> attachment;
    std::shared_ptr<const Attachment> annotation;
    uint32_t annotated_version = 0;
  };
  explicit Tensor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  Impl& impl() const {
    if (!impl_) throw ShapeError("[tensor] used before it was given a value");
    return *impl_;
  }
  void* data() const { return static_cast<char*>(impl().storage->data()) + impl().offset; }
  void* checked(DType wanted) const {
    if (wanted != dtype())
      throw ShapeError(std::string("[tensor] is ") + name_of(dtype()) + ", not " + name_of(wanted));
    return data();
  }
  Tensor view(const Shape& shape, std::size_t offset) const;

  std::shared_ptr<Impl> impl_;
};

template <class T>
Tensor Tensor::from(const std::vector<T>& values, const Shape& shape, Device device) {
  if (shape.size() != int64_t(values.size()))
    throw ShapeError("[tensor] " + std::to_string(values.size()) + " values for shape " +
                     shape.str());
  Tensor t = empty(shape, dtype_of<T>(), device);
  copy_bytes(device, t.data(), {}, values.data(), t.bytes());
  return t;
}
template <class T>
std::vector<T> Tensor::to_vector() const {
  std::vector<T> values(static_cast<std::size_t>(size()));
  copy_bytes({}, values.data(), device(), checked(dtype_of<T>()), bytes());
  return values;
}

}  // namespace tweed
