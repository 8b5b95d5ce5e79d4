// im2col and col2im for a GPU: a pack for a thread, see packs.h. For im2col.cu, inside namespace
// tweed::MACHINE.

/// Windows on images whose lines, windows' lines, steps and borders are whole packs: each pack of a
/// window lies inside the image or outside.
struct PackWindows {
  int H, OH, OW, kernel, stride, padding;
  int line, run, step, border;  // in packs
  Quotient of_run, of_kernel, of_width, of_height;

  PackWindows(const Window& w, int size)
      : H(int(w.H)),
        OH(int(w.out_h())),
        OW(int(w.out_w())),
        kernel(int(w.kernel)),
        stride(int(w.stride)),
        padding(int(w.padding)),
        line(int(w.W * w.C / size)),
        run(int(w.kernel * w.C / size)),
        step(int(w.stride * w.C / size)),
        border(int(w.padding * w.C / size)),
        of_run(run),
        of_kernel(kernel),
        of_width(OW),
        of_height(OH) {}
};

template <class T>
__global__ void __launch_bounds__(pack_threads)
    im2col_packs_kernel(PackWindows w, int64_t count, const T* __restrict__ image,
                        T* __restrict__ columns) {
  constexpr int size = Pack<T>::size;
  for (int64_t i : grid_stride(count)) {
    const int row = w.of_run.of(int(i)), place = w.of_kernel.of(row), line = w.of_width.of(place);
    const int n = w.of_height.of(line);
    const int h = (line - n * w.OH) * w.stride - w.padding + row - place * w.kernel;
    const int pack = (place - line * w.OW) * w.step - w.border + int(i) - row * w.run;
    Pack<T> out = {};
    if (unsigned(h) < unsigned(w.H) && unsigned(pack) < unsigned(w.line))
      out = pack_at(image + (int64_t(n * w.H + h) * w.line + pack) * size);
    pack_at(columns + i * size) = out;
  }
}

/// Of pixels of whole packs, the gather form.
struct PackPixels {
  int H, W, OH, OW, stride, padding;
  int packs, patch;  // packs of a pixel and of a window
  Quotient of_packs, of_width, of_height, of_stride;

  PackPixels(const Window& w, int size)
      : H(int(w.H)),
        W(int(w.W)),
        OH(int(w.out_h())),
        OW(int(w.out_w())),
        stride(int(w.stride)),
        padding(int(w.padding)),
        packs(int(w.C / size)),
        patch(int(w.patch() / size)),
        of_packs(packs),
        of_width(W),
        of_height(H),
        of_stride(stride) {}
};

/// The windows, of `count`, that cover pixel i along an axis: those whose cell 0 lies at the last
/// step not beyond it, one step before that, ... They are in order, and not all of them `exist`.
template <int kernel>
struct Covering {
  int window[kernel], cell[kernel];
  bool exists[kernel];

  TWEED_INLINE Covering(const PackPixels& w, int i, int count) {
    const int at = i + w.padding, last = w.of_stride.of(at);
#pragma unroll
    for (int k = 0; k < kernel; ++k) {
      const int steps = kernel - 1 - k;
      window[k] = last - steps;
      cell[k] = at - window[k] * w.stride;
      exists[k] = (cell[k] < kernel) & (unsigned(window[k]) < unsigned(count));
    }
  }
};

template <int kernel, class T>
__global__ void __launch_bounds__(pack_threads, 2)
    col2im_packs_kernel(PackPixels w, int64_t count, bool adds, const T* __restrict__ columns,
                        T* __restrict__ image) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size, cells = kernel * kernel;
  for (int64_t i : grid_stride(count)) {
    const int pixel = w.of_packs.of(int(i)), line = w.of_width.of(pixel);
    const int n = w.of_height.of(line), pack = int(i) - pixel * w.packs;
    const Covering<kernel> down(w, line - n * w.H, w.OH), right(w, pixel - line * w.W, w.OW);
    Pack<T> in[cells];
#pragma unroll
    for (int k = 0; k < cells; ++k) {
      const int y = k / kernel, x = k % kernel;
      if (!(down.exists[y] & right.exists[x])) continue;
      const int place = (n * w.OH + down.window[y]) * w.OW + right.window[x];
      const int cell = down.cell[y] * kernel + right.cell[x];
      in[k] = pack_at(columns + (int64_t(place) * w.patch + cell * w.packs + pack) * size);
    }
    A sums[size] = {};
#pragma unroll
    for (int k = 0; k < cells; ++k) {
      if (!(down.exists[k / kernel] & right.exists[k % kernel])) continue;
#pragma unroll
      for (int c = 0; c < size; ++c) sums[c] += in[k][c];
    }
    if (adds) {
      const Pack<T> begun = pack_at(image + i * size);
#pragma unroll
      for (int c = 0; c < size; ++c) sums[c] += begun[c];
    }
    pack_at(image + i * size) = Pack<T>::of(sums);
  }
}

// The launches; false where a pack would be cut, or there are too many for 31 bits.
template <class T>
static bool im2col_packs(Here& here, const Window& w, Span<const T> image, Span<T> columns) {
  constexpr int64_t size = Pack<T>::size;
  const int64_t count = columns.size() / size, most = int64_t(1) << 31;
  const bool whole = in_packs<T>(w.kernel * w.C, image.data(), columns.data()) &&
                     w.W * w.C % size == 0 && w.stride * w.C % size == 0 &&
                     w.padding * w.C % size == 0;
  if (!whole || count >= most || image.size() / size >= most) return false;
  launch(im2col_packs_kernel<T>, pack_config(ceil_div(count, pack_threads)), here,
         PackWindows(w, int(size)), count, image, columns);
  return true;
}
template <class T>
static bool col2im_packs(Here& here, const Window& w, Span<const T> columns, Span<T> image,
                         bool adds) {
  const int64_t count = image.size() / Pack<T>::size, most = int64_t(1) << 31;
  if (!in_packs<T>(w.C, columns.data(), image.data()) || w.kernel > 3 || !count || count >= most ||
      w.places() >= most)
    return false;
  launch(w.kernel == 1   ? col2im_packs_kernel<1, T>
         : w.kernel == 2 ? col2im_packs_kernel<2, T>
                         : col2im_packs_kernel<3, T>,
         pack_config(ceil_div(count, pack_threads)), here, PackPixels(w, Pack<T>::size), count,
         adds, columns, image);
  return true;
}
