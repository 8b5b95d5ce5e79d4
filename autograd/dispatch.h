// From a tensor's dtype and device to the C++ type and machine that a launcher wants.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// Calls f<T>(here) with the floating type and the machine of t:
///
///   dispatch("relu", x, [&]<class T>(auto& here) { relu(here, x.read<T>(), y.write<T>()); });
///
/// @throws ShapeError  "[op] needs a floating dtype, not int32"; "[op] does not compute in float16,
///                     which is for keeping numbers: convert to float32 or bfloat16"
template <class F>
void dispatch(const char* op, const Tensor& t, F&& f) {
  with_floating(t.dtype(), op, [&]<class T>() {
    on(t.device(), [&](auto& here) { f.template operator()<T>(here); });
  });
}

/// The same with the type of any dtype, for what only moves or compares numbers.
template <class F>
void dispatch_any(const Tensor& t, F&& f) {
  with_type(t.dtype(), [&]<class T>() {
    on(t.device(), [&](auto& here) { f.template operator()<T>(here); });
  });
}

/// The elements of a tensor that may be undefined, which launchers take as an empty span.
template <class T>
Span<const T> read_or_empty(const Tensor& t) {
  return t.defined() ? t.read<T>() : Span<const T>();
}
template <class T>
Span<T> write_or_empty(const Tensor& t) {
  return t.defined() ? t.write<T>() : Span<T>();
}

/// The dtype that sums over t are kept in: float32 for bfloat16, else t's own.
inline DType accumulator_dtype(const Tensor& t) {
  return t.dtype() == DType::bfloat16 ? DType::float32 : t.dtype();
}

}  // namespace tweed
