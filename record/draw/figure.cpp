#include "record/draw/figure.h"

#include <algorithm>

#include "record/draw/canvas.h"

namespace tweed {
using namespace draw;

namespace {

constexpr int margin = 24, gap = 16, caption_gap = 8;
constexpr double title_size = 18, head_size = 13, caption_size = 11;

Color color_of(Ink ink) {
  return ink == Ink::good ? colors::green : ink == Ink::bad ? colors::red : colors::black;
}

int line_height(double size) { return text_height(size) + 3; }

// Sizes in pixels that all parts of a drawing agree on.
struct Layout {
  int columns = 0;
  int width = 0, height = 0;
  int top = 0;                    // of the first row of cells
  std::vector<int> image_height;  // of each row
  std::vector<int> row_height;    // with captions and the gap below
};

// An image keeps its proportions inside the square of a cell.
Rect fit(const Image& image, int cell) {
  int longer = std::max({image.width, image.height, 1});
  auto scaled = [&](int n) { return std::max(1, int((int64_t(n) * cell + longer / 2) / longer)); };
  return {0, 0, scaled(image.width), scaled(image.height)};
}

Layout lay_out(const Sheet& sheet) {
  Layout l;
  l.columns = int(sheet.column_heads.size());
  for (const auto& row : sheet.rows) {
    l.columns = std::max(l.columns, int(row.size()));
    int image = 0, lines = 0;
    for (const Cell& cell : row) {
      if (!cell.image.pixels.empty())
        image = std::max(image, fit(cell.image, sheet.cell_size).height);
      lines = std::max(lines, int(cell.captions.size()));
    }
    l.image_height.push_back(image);
    l.row_height.push_back(image +
                           (lines > 0 ? caption_gap + lines * line_height(caption_size) : 0) + gap);
  }
  l.top = margin;
  if (!sheet.title.empty()) l.top += line_height(title_size) + 4;
  l.top += int(sheet.notes.size()) * line_height(caption_size);
  if (!sheet.title.empty() || !sheet.notes.empty()) l.top += gap;
  if (!sheet.column_heads.empty()) l.top += line_height(head_size) + 6;
  l.width = 2 * margin + l.columns * (sheet.cell_size + gap) - gap;
  l.height = l.top - gap + margin;
  for (int height : l.row_height) l.height += height;
  return l;
}

// Title and notes may make a narrow sheet wider, up to a limit; beyond it they are shortened.
void widen_for_text(Layout& l, const Sheet& sheet) {
  int text = text_width(sheet.title, title_size);
  for (const std::string& note : sheet.notes) text = std::max(text, text_width(note, caption_size));
  l.width = std::max(l.width, std::min(text, 800) + 2 * margin);
}

void draw_headings(Image& onto, const Layout& l, const Sheet& sheet) {
  int y = margin, width = l.width - 2 * margin;
  if (!sheet.title.empty()) {
    draw_text(onto, margin, y, shorten(sheet.title, title_size, width), title_size, colors::black);
    y += line_height(title_size) + 4;
  }
  for (const std::string& note : sheet.notes) {
    draw_text(onto, margin, y, shorten(note, caption_size, width), caption_size, colors::grey);
    y += line_height(caption_size);
  }
  for (std::size_t i = 0; i < sheet.column_heads.size(); ++i)
    draw_text(onto, margin + int(i) * (sheet.cell_size + gap) + sheet.cell_size / 2.0,
              l.top - line_height(head_size) - 6,
              shorten(sheet.column_heads[i], head_size, sheet.cell_size), head_size, colors::black,
              Align::centre);
}

void draw_cell(Image& onto, int x, int y, int image_height, const Cell& cell, const Sheet& sheet) {
  int size = sheet.cell_size;
  if (!cell.image.pixels.empty()) {
    Rect place = fit(cell.image, size);
    place.x = x + (size - place.width) / 2;
    place.y = y + (image_height - place.height) / 2;
    draw_image(onto, place, cell.image, sheet.scaling);
    draw_frame(onto, place, colors::light_grey);
  }
  y += image_height + caption_gap;
  for (const Caption& caption : cell.captions) {
    draw_text(onto, x + size / 2.0, y, shorten(caption.text, caption_size, size), caption_size,
              color_of(caption.ink), Align::centre);
    y += line_height(caption_size);
  }
}

}  // namespace

Image draw_sheet(const Sheet& sheet) {
  Layout l = lay_out(sheet);
  widen_for_text(l, sheet);
  Image image = blank_image(l.height, l.width);
  draw_headings(image, l, sheet);
  int y = l.top;
  for (std::size_t row = 0; row < sheet.rows.size(); ++row) {
    int x = margin;
    for (const Cell& cell : sheet.rows[row]) {
      draw_cell(image, x, y, l.image_height[row], cell, sheet);
      x += sheet.cell_size + gap;
    }
    y += l.row_height[row];
  }
  return image;
}

void write_sheet(const std::string& path, const Sheet& sheet) {
  write_png(path, draw_sheet(sheet));
}

std::vector<std::vector<Cell>> in_rows(std::vector<Cell> cells, int columns) {
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i % std::size_t(columns) == 0) rows.emplace_back();
    rows.back().push_back(std::move(cells[i]));
  }
  return rows;
}

}  // namespace tweed
