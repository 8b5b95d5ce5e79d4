// The kernel that makes batches against plain loops, and what its views are drawn from.
#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "data/affine.h"
#include "data/feed.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/support.h"

using namespace tweed;

namespace {

using Colour = std::array<double, 3>;
constexpr int side = 14, images = 4;
// Of results: on a GPU rows of 11 are written number by number, those of 12 in chunks if they are
// float, those of 16 in any case.
constexpr int size = 11, sizes[] = {size, 12, 16};

// ---- the reference: every pixel of an image is asked what it has to do with a place

double weight(PixelFilter filter, double d) {
  d = std::abs(d);
  if (filter == PixelFilter::bilinear) return std::max(0., 1 - d);
  if (d < 1) return 1.5 * d * d * d - 2.5 * d * d + 1;
  return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

struct Reference {
  const std::vector<Image>& stored;
  const std::vector<View>& views;
  const std::vector<Curve>& curves;
  Normalization by;

  double value(std::size_t number, int y, int x, std::size_t c) const {
    const View& view = views[number];
    const int v = stored[std::size_t(view.image)].at(y, x)[c];
    return view.has_curve ? curves[number][c][std::size_t(v)] : v;
  }
  Colour sampled(std::size_t number, double row, double column) const {
    const View& view = views[number];
    Colour sum{};
    double all = 0;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const bool same = y == int(row) && x == int(column);
        const double w = view.filter == PixelFilter::copy
                             ? double(same)
                             : weight(view.filter, (y + 0.5 - row) / double(view.reach[1])) *
                                   weight(view.filter, (x + 0.5 - column) / double(view.reach[0]));
        for (std::size_t c = 0; c < 3; ++c) sum[c] += w * value(number, y, x, c);
        all += w;
      }
    for (double& v : sum) v /= all;
    return sum;
  }
  Colour sharpened(std::size_t number, double row, double column) const {
    const double sharpness = double(views[number].sharpness);
    Colour result{};
    for (int y = -1; y <= 1; ++y)
      for (int x = -1; x <= 1; ++x) {
        const bool middle = y == 0 && x == 0;
        const double w = (1 - sharpness) * (middle ? 5 : 1) / 13 + (middle ? sharpness : 0);
        auto beside = [](double at, int step) {
          return step ? std::clamp(at + step, 0.5, side - 0.5) : at;
        };
        const Colour v = sampled(number, beside(row, y), beside(column, x));
        for (std::size_t c = 0; c < 3; ++c) result[c] += w * v[c];
      }
    return result;
  }
  static bool within(const int32_t* r, int y, int x) {
    return r[0] <= y && y < r[2] && r[1] <= x && x < r[3];
  }
  Colour seen(std::size_t number, int y, int x) const {
    const View& view = views[number];
    auto along = [&](const float* m) {
      return double(m[0]) * (x + 0.5) + double(m[1]) * (y + 0.5) + double(m[2]);
    };
    const double column = along(view.map), row = along(view.map + 3);
    if (row < 0 || column < 0 || row >= side || column >= side || within(view.erased, y, x))
      return {};
    Colour v = sharpened(number, row, column), result{};
    for (std::size_t c = 0; c < 3; ++c) {
      const float* m = view.colour + 4 * c;
      const double mixed = view.has_colour ? double(m[0]) * v[0] + double(m[1]) * v[1] +
                                                 double(m[2]) * v[2] + double(m[3])
                                           : v[c];
      result[c] = (std::clamp(mixed, 0., 255.) / 255 - double(by.mean[c])) / double(by.std[c]);
    }
    return result;
  }
  std::vector<double> batch(std::size_t views_of_an_image, int made_size) const {
    std::vector<double> all;
    for (std::size_t n = 0; n < views.size(); n += views_of_an_image)
      for (int y = 0; y < made_size; ++y)
        for (int x = 0; x < made_size; ++x) {
          Colour v = seen(n, y, x);
          const View& other = views[n + views_of_an_image - 1];
          const double share =
              views_of_an_image == 2 && within(other.mixed, y, x) ? double(other.share) : 0;
          if (share > 0) {
            const Colour more = seen(n + 1, y, x);
            for (std::size_t c = 0; c < 3; ++c) v[c] = (1 - share) * v[c] + share * more[c];
          }
          all.insert(all.end(), v.begin(), v.end());
        }
    return all;
  }
};

std::vector<Image> some_images() {
  std::vector<Image> all;
  for (int i = 0; i < images; ++i) all.push_back(pattern(side, side, i));
  return all;
}

struct Made {
  Tensor images, labels, other_labels, shares;
};

// The images begin `skipped` numbers behind the beginning of their memory.
Made made_on(Device device, const std::vector<View>& views, const std::vector<Curve>& curves,
             int64_t of_an_image, const Normalization& by = {}, DType dtype = DType::float32,
             int made_size = size, int64_t skipped = 0) {
  std::vector<uint8_t> pixels, curve_bytes(curves.size() * sizeof(Curve));
  for (auto& image : some_images())
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
  std::memcpy(curve_bytes.data(), curves.data(), curve_bytes.size());
  std::vector<int32_t> words(views.size() * std::size_t(view_words));
  std::memcpy(words.data(), views.data(), views.size() * sizeof(View));
  const int64_t rows = int64_t(views.size()), count = rows / of_an_image;
  const bool mixed = of_an_image > 1;
  const Shape shape{count, made_size, made_size, 3};
  Made made{Tensor::empty({skipped + shape.size()}, dtype, device)
                .slice(skipped, skipped + shape.size())
                .reshape(shape),
            Tensor::empty({count}, DType::int32, device),
            mixed ? Tensor::empty({count}, DType::int32, device) : Tensor(),
            mixed ? Tensor::empty({count}, DType::float32, device) : Tensor()};
  Viewer(device, side, made_size, by)
      .show(of_an_image, Tensor::from(pixels, {images, side, side, 3}, device),
            Tensor::from(words, {rows, view_words}, device),
            Tensor::from(curve_bytes, {rows, 3, 256}, device), made.images, made.labels,
            made.other_labels, made.shares);
  return made;
}

// The numbers in the first `size` rows and columns of images.
std::vector<double> upper_left(const Tensor& made) {
  const auto all = made.to_doubles();
  const int64_t width = made.dim(1), row = width * 3;
  std::vector<double> part;
  for (int64_t i = 0; i < made.dim(0) * width; ++i)  // rows
    if (i % width < size)
      part.insert(part.end(), all.begin() + i * row, all.begin() + i * row + size * 3);
  return part;
}

// A view of everything at once, at random; no place of it lies so near an edge that rounding
// decides whether it is inside.
View any_view(Random& random, Curve& curve) {
  View view;
  view.image = int32_t(random.below(images));
  view.label = int32_t(random.below(100));
  const double scale = double(random.uniform(0.4f, 1.8f));
  const auto map = Affine::turn(double(random.uniform(-3, 3)))
                       .after(Affine::scale(scale, scale * double(random.uniform(0.7f, 1.4f))))
                       .after(Affine::shear(double(random.uniform(-0.3f, 0.3f)), 0))
                       .about(size / 2., size / 2.);
  for (std::size_t i = 0; i < 6; ++i) view.map[i] = float(map.a[i]);
  view.map[2] += random.uniform(0, 3);
  view.map[5] += random.uniform(0, 3);
  view.filter = random.below(2) ? PixelFilter::bilinear : PixelFilter::bicubic;
  if (random.below(2)) view.reach[0] = random.uniform(1, 3), view.reach[1] = random.uniform(1, 3);
  if (random.below(3) == 0) view.sharpness = random.uniform(0, 2);
  view.has_curve = int32_t(random.below(2));
  for (auto& channel : curve)
    for (auto& v : channel) v = uint8_t(random.below(256));
  view.has_colour = int32_t(random.below(2));
  for (float& v : view.colour) v = random.uniform(-0.5f, 1);
  if (random.below(2))
    view.erased[0] = 2, view.erased[1] = 1, view.erased[2] = 6, view.erased[3] = 5;
  view.mixed[0] = int32_t(random.below(4)), view.mixed[2] = 10;
  view.mixed[3] = int32_t(random.below(size + 1));
  view.share = random.below(2) ? 1 : random.uniform();
  view.label_share = random.uniform();
  for (int y = 0; y < sizes[2]; ++y)
    for (int x = 0; x < sizes[2]; ++x)
      for (const float* m : {view.map, view.map + 3}) {
        const double at = double(m[0]) * (x + 0.5) + double(m[1]) * (y + 0.5) + double(m[2]);
        if (std::min(std::abs(at), std::abs(at - side)) < 1e-4) return any_view(random, curve);
      }
  return view;
}

}  // namespace

TEST_CASE("Views of every kind are as plain loops make them, on every device", "[augment]") {
  Random random(7, Purpose::test);
  std::vector<View> views;
  std::vector<Curve> curves(80);
  for (auto& curve : curves) views.push_back(any_view(random, curve));
  const std::vector<Image> stored = some_images();
  const Reference reference{stored, views, curves, {}};
  for (auto [of_an_image, made_size] : {std::pair{1, 11}, {1, 12}, {1, 16}, {2, 11}, {2, 16}}) {
    const auto wanted = reference.batch(std::size_t(of_an_image), made_size);
    for (Device device : test_devices()) {
      INFO(device.name() << ", " << of_an_image << ", " << made_size);
      const Made made = made_on(device, views, curves, of_an_image, {}, DType::float32, made_size);
      CHECK(difference(made.images.to_doubles(), wanted, 2e-5) == "");
      const auto labels = made.labels.to_vector<int32_t>();
      for (std::size_t i = 0; i < labels.size(); ++i)
        CHECK(labels[i] == views[i * std::size_t(of_an_image)].label);
      if (of_an_image == 1) continue;
      for (std::size_t i = 0; i < labels.size(); ++i) {
        CHECK(made.other_labels.to_vector<int32_t>()[i] == views[2 * i + 1].label);
        CHECK(made.shares.to_vector<float>()[i] == views[2 * i + 1].label_share);
      }
    }
  }
}

TEST_CASE("Widths, dtypes and where memory begins change no bit of what a view shows",
          "[augment]") {
  Random random(8, Purpose::test);
  std::vector<View> views;
  std::vector<Curve> curves(42);
  for (auto& curve : curves) views.push_back(any_view(random, curve));
  // Rectangles, mirrored, beyond the edges and with a part erased, are made by themselves.
  for (std::size_t i = 0; i < views.size(); i += 3) {
    View& v = views[i] = {.image = int32_t(random.below(images)), .label = int32_t(i)};
    if (i % 2) v.map[0] = -1, v.map[2] = side;
    v.map[2] += float(random.below(5)) - 2, v.map[5] = float(random.below(5)) - 2;
    for (int32_t& edge : v.erased) edge = int32_t(random.below(size));
  }
  for (Device device : test_devices())
    for (int64_t of_an_image : {1, 2}) {
      const Tensor least = made_on(device, views, curves, of_an_image).images;
      for (int made_size : sizes)
        for (DType dtype : {DType::float32, DType::bfloat16})
          for (int64_t skipped : {0, 3, 8}) {
            INFO(device.name() << ", " << of_an_image << ", " << made_size << ", " << name_of(dtype)
                               << ", " << skipped);
            const Made made =
                made_on(device, views, curves, of_an_image, {}, dtype, made_size, skipped);
            CHECK(upper_left(made.images) == least.to(dtype).to_doubles());
            for (std::size_t i = 0; i < std::size_t(made.labels.size()); ++i)
              CHECK(made.labels.to_vector<int32_t>()[i] ==
                    views[i * std::size_t(of_an_image)].label);
          }
    }
}

TEST_CASE("Without parameters a view is the image, to the bit, by every filter", "[augment]") {
  const Normalization pixels{{0, 0, 0}, {1 / 255.f, 1 / 255.f, 1 / 255.f}};
  for (Device device : test_devices())
    for (const auto filter : {PixelFilter::copy, PixelFilter::bilinear, PixelFilter::bicubic})
      for (const bool coloured : {false, true}) {
        View view;
        view.image = 2;
        view.filter = filter;
        view.has_colour = view.has_curve = coloured;  // the identity, which is not skipped
        const Tensor made = made_on(device, {view}, {identity_curve()}, 1, pixels).images;
        const auto values = made.to_vector<float>();
        for (int y = 0; y < size; ++y)
          for (int x = 0; x < size; ++x)
            for (int c = 0; c < 3; ++c) {
              const float v = values[std::size_t((y * size + x) * 3 + c)];
              CHECK(std::lround(v) == some_images()[2].at(y, x)[c]);
              CHECK(std::abs(v - float(std::lround(v))) < 1e-4f);
            }
      }
}

TEST_CASE("An upright view that shrinks skips no pixel: it is Pillow's resize", "[augment]") {
  const Image stored = pattern(44, 44);
  const Normalization pixels{{0, 0, 0}, {1 / 255.f, 1 / 255.f, 1 / 255.f}};
  for (const int shrunk : {11, 17, 30, 44}) {
    const Image wanted = resize(stored, shrunk, shrunk);
    View view;
    view.filter = PixelFilter::bilinear;
    view.map[0] = view.map[4] = view.reach[0] = view.reach[1] = 44.f / float(shrunk);
    std::vector<float> values(std::size_t(shrunk) * std::size_t(shrunk) * 3);
    show_view(stored, view, {}, shrunk, pixels, values.data());
    // Pillow rounds to whole values between its two passes.
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(std::abs(values[i] - float(wanted.pixels[i])) <= 1.01f);
  }
}

namespace {

View drawn(const Augmentation& augmentation, int64_t sample, int from = 36, int to = 32) {
  Curve curve;
  const Image image = pattern(from, from, int(sample));
  return choose_view(image.pixels.data(), from, to, augmentation, augmentation_random(1, 2, sample),
                     curve);
}
Augmentation none_but(const std::string& names) { return parse_augmentation(names, 32); }

// Where the corners of the result lie in the stored image: column, row.
std::vector<std::pair<double, double>> corners(const View& v, double to = 32) {
  std::vector<std::pair<double, double>> all;
  for (double y : {0., to})
    for (double x : {0., to})
      all.emplace_back(double(v.map[0]) * x + double(v.map[1]) * y + double(v.map[2]),
                       double(v.map[3]) * x + double(v.map[4]) * y + double(v.map[5]));
  return all;
}

}  // namespace

TEST_CASE("The coursework's views lie inside the image, within its limits", "[augment]") {
  const Augmentation coursework = none_but("coursework");
  int mirrored = 0;
  double least_gain = 9, largest_gain = 0, least_area = 9, largest_area = 0, largest_angle = 0;
  for (int64_t i = 0; i < 2000; ++i) {
    const View v = drawn(coursework, i);
    for (auto [column, row] : corners(v)) {
      CHECK((column > -1e-3 && column < 36 + 1e-3));
      CHECK((row > -1e-3 && row < 36 + 1e-3));
    }
    const double determinant =
        double(v.map[0]) * double(v.map[4]) - double(v.map[1]) * double(v.map[3]);
    mirrored += determinant < 0;
    const double angle =
        std::abs(std::atan2(double(v.map[1]), double(v.map[4]))) * 180 / 3.14159265;
    largest_angle = std::max(largest_angle, angle);
    const double turn = angle * 3.14159265 / 180, frame = 36 / (std::cos(turn) + std::sin(turn));
    const double area = std::abs(determinant) * 32 * 32 / (frame * frame);
    least_area = std::min(least_area, area), largest_area = std::max(largest_area, area);
    for (int c : {0, 5, 10}) {
      least_gain = std::min(least_gain, double(v.colour[c]));
      largest_gain = std::max(largest_gain, double(v.colour[c]));
    }
    CHECK(v.has_colour == 1);
    CHECK(v.filter == PixelFilter::bilinear);
  }
  CHECK((mirrored > 900 && mirrored < 1100));
  CHECK((least_gain >= 0.85 && least_gain < 0.86 && largest_gain <= 1.15 && largest_gain > 1.14));
  CHECK(
      (least_area >= 0.2499 && least_area < 0.27 && largest_area <= 1.0001 && largest_area > 0.9));
  CHECK((largest_angle <= 15.001 && largest_angle > 14.5));
}

TEST_CASE("A turn alone keeps the largest square inside, and a pixel's size if it fits",
          "[augment]") {
  for (int64_t i = 0; i < 200; ++i) {
    const View v = drawn(none_but("rotate"), i);
    for (auto [column, row] : corners(v))
      CHECK(std::min({column, row, 36 - column, 36 - row}) > -1e-3);
    CHECK(std::hypot(v.map[0], v.map[1]) <= 1.0001f);
  }
}

TEST_CASE("Each name of --augment draws what it says", "[augment]") {
  for (auto& row : augmentation_rows()) {
    INFO(row.name);
    const Augmentation a = none_but(row.name);
    CHECK(text_of(a) != text_of(none_but("none")));
    std::set<std::string> different;
    for (int64_t i = 0; i < 60; ++i) {
      View v = drawn(a, i, 36, 32);
      different.insert(std::string(reinterpret_cast<const char*>(&v), sizeof v));
      CHECK(std::memcmp(&v, &static_cast<const View&>(drawn(a, i, 36, 32)), sizeof v) == 0);
    }
    const bool mixes = a.mixes(), nothing = std::string(row.name) == "bicubic";
    CHECK((different.size() > 1) == (!mixes && !nothing));
  }
  CHECK(drawn(none_but("area,bicubic"), 3).filter == PixelFilter::bicubic);
  CHECK(text_of(none_but("mirror,pad")) == "mirror crop pad 4");
  CHECK_THROWS_WITH(none_but("flip"), Contains("did you mean 'mirror'?"));
  CHECK_THROWS_WITH(none_but("none,crop"), Contains("--augment takes none, or"));
  CHECK_THROWS_WITH(none_but("area,crop"), Contains("not both"));
}

TEST_CASE("Erased rectangles have 2 to 33 % of half of the images", "[augment]") {
  int erased = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    const View v = drawn(none_but("erase"), i, 64, 64);
    const double area = double(v.erased[2] - v.erased[0]) * (v.erased[3] - v.erased[1]) / (64 * 64);
    erased += area > 0;
    if (area > 0) CHECK((area > 0.015 && area < 0.345));
    CHECK((v.erased[0] >= 0 && v.erased[1] >= 0 && v.erased[2] <= 64 && v.erased[3] <= 64));
  }
  CHECK((erased > 420 && erased < 580));
}

TEST_CASE("Partners are drawn from all samples; labels count what is shown", "[augment]") {
  std::set<int64_t> partners;
  double mean = 0;
  for (int64_t i = 0; i < 500; ++i) {
    const Partner cut = choose_partner(20, 32, none_but("cutmix"), 1, 2, i);
    partners.insert(cut.sample);
    const int32_t* r = cut.mix.mixed;
    CHECK((r[0] >= 0 && r[1] >= 0 && r[2] <= 32 && r[3] <= 32 && r[0] <= r[2] && r[1] <= r[3]));
    CHECK(cut.mix.share == 1);
    CHECK(cut.mix.label_share == float((r[2] - r[0]) * (r[3] - r[1])) / (32 * 32));
    const Partner mix = choose_partner(20, 32, none_but("mixup"), 1, 2, i);
    CHECK(mix.mix.share == mix.mix.label_share);
    CHECK((mix.mix.share >= 0 && mix.mix.share <= 0.5f));
    mean += double(mix.mix.share) / 500;
  }
  CHECK(partners.size() == 20);
  // Of Beta(0.2, 0.2) the smaller of a share and the rest is 0.1 on average.
  CHECK(mean == Approx(0.101).margin(0.02));
}

TEST_CASE("Curves are Pillow's", "[augment]") {
  CHECK(posterize_curve(3)[0][255] == 0xe0);
  CHECK(solarize_curve(128)[1][127] == 127);
  CHECK(solarize_curve(128)[1][128] == 127);
  // PIL.ImageOps of bytes 10, 10, 20, 20, 20, 40, 40, 80 in each channel.
  std::vector<uint8_t> pixels;
  for (int v : {10, 10, 20, 20, 20, 40, 40, 80}) pixels.insert(pixels.end(), 3, uint8_t(v));
  const Histogram histogram = histogram_of(pixels.data(), 8);
  const Curve stretched = autocontrast_curve(histogram);
  for (auto [from, to] : {std::pair{10, 0}, {20, 36}, {40, 109}, {80, 255}})
    CHECK(int(stretched[2][std::size_t(from)]) == to);
  CHECK(equalize_curve(histogram) == identity_curve());  // too few pixels to spread
  Histogram many = histogram;
  for (auto& channel : many)
    for (auto& count : channel) count *= 1000;
  const Curve even = equalize_curve(many);
  for (auto [from, to] : {std::pair{10, 0}, {20, 74}, {40, 185}, {80, 255}})
    CHECK(int(even[0][std::size_t(from)]) == to);
}

TEST_CASE("Changes of colour keep what they must", "[augment]") {
  const std::array<double, 3> colour{200, 40, 90}, grey{77, 77, 77};
  auto near = [](const std::array<double, 3>& a, const std::array<double, 3>& b) {
    for (std::size_t c = 0; c < 3; ++c) CHECK(a[c] == Approx(b[c]).margin(0.1));
  };
  near(ColourMap::hue(0).of(colour), colour);
  near(ColourMap::hue(1).of(grey), grey);
  near(ColourMap::hue(2 * 3.14159265).of(colour), colour);
  near(ColourMap::saturation(0).of(colour), {93.54, 93.54, 93.54});
  near(ColourMap::saturation(0.4).of(grey), grey);
  near(ColourMap::contrast(0.5, 100).of(colour), {150, 70, 95});
  near(ColourMap::contrast(0.5, 100).after(ColourMap::gain(2, 1, 1)).of(colour), {250, 70, 95});
}

TEST_CASE("A Feed's batches are the same wherever the images are, whatever happens to them",
          "[augment]") {
  std::vector<Sample> samples;
  for (int i = 0; i < 40; ++i) samples.push_back({std::to_string(i), i % 7});
  Dataset data(std::vector<std::string>(7, "c"), samples, 18,
               [](const Sample& s) { return pattern(18, 18, std::stoi(s.path)); });
  data.decode(2, true);
  LoaderOptions options{.batch_size = 8, .image_size = 16, .workers = 2, .seed = 5};
  for (const char* names : {"coursework", "mirror,crop,jitter,grey,erase", "randaugment,area",
                            "crop,mixup", "rotate,cutmix,mixup,randaugment,bicubic"}) {
    INFO(names);
    options.augmentation = parse_augmentation(names, 16);
    for (Device device : test_devices()) {
      Feed here(data, device, options, Residence::device),
          there(data, device, options, Residence::host);
      CHECK(here.other_labels().defined() == options.augmentation.mixes());
      for (Feed* feed : {&here, &there}) feed->start_epoch(3, 1);
      while (here.next()) {
        REQUIRE(there.next());
        here.load(), there.load();
        CHECK(same_bits(here.images(), there.images()));
        CHECK(same_bits(here.labels(), there.labels()));
        if (!here.other_labels().defined()) continue;
        CHECK(same_bits(here.other_labels(), there.other_labels()));
        CHECK(same_bits(here.label_shares(), there.label_shares()));
      }
      CHECK_FALSE(there.next());
    }
  }
}
