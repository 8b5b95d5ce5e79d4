// What oneDNN 2 (Debian 12) and 3 (Ubuntu 24.04, Debian 13) ask for in different ways: primitive
// descriptors, and the shape of a memory descriptor. Written as version 3 has it.
#pragma once
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

namespace tweed::onednn {

#if DNNL_VERSION_MAJOR >= 3

/// The descriptor of a forward primitive: `arguments` are those of Op::primitive_desc between the
/// engine and the attributes. @throws dnnl::error  if the library has none for them
template <class Op, class... Arguments>
typename Op::primitive_desc forward_desc(const dnnl::engine& engine,
                                         const dnnl::primitive_attr& attributes,
                                         Arguments&&... arguments) {
  return {engine, std::forward<Arguments>(arguments)..., attributes};
}
/// The descriptor of a backward primitive, for the forward one that `forward` describes.
template <class Op, class Forward, class... Arguments>
typename Op::primitive_desc backward_desc(const dnnl::engine& engine,
                                          const dnnl::primitive_attr& attributes,
                                          const Forward& forward, Arguments&&... arguments) {
  return {engine, std::forward<Arguments>(arguments)..., forward, attributes};
}
inline dnnl::memory::dims dims_of(const dnnl::memory::desc& d) { return d.get_dims(); }
inline dnnl::memory::data_type type_of(const dnnl::memory::desc& d) { return d.get_data_type(); }

#else

template <class Op, class... Arguments>
typename Op::primitive_desc forward_desc(const dnnl::engine& engine,
                                         const dnnl::primitive_attr& attributes,
                                         Arguments&&... arguments) {
  return {typename Op::desc(std::forward<Arguments>(arguments)...), attributes, engine};
}
template <class Op, class Forward, class... Arguments>
typename Op::primitive_desc backward_desc(const dnnl::engine& engine,
                                          const dnnl::primitive_attr& attributes,
                                          const Forward& forward, Arguments&&... arguments) {
  return {typename Op::desc(std::forward<Arguments>(arguments)...), attributes, engine, forward};
}
inline dnnl::memory::dims dims_of(const dnnl::memory::desc& d) { return d.dims(); }
inline dnnl::memory::data_type type_of(const dnnl::memory::desc& d) { return d.data_type(); }

#endif

}  // namespace tweed::onednn
