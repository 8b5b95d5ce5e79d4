// Sheets: titled grids of images with captions. Contact sheets, saliency maps and attacks use them.
#pragma once
#include <string>
#include <vector>

#include "record/canvas.h"

namespace tweed {

/// A line below an image.
struct Caption {
  Caption(std::string text, Color color = colors::black) : text(std::move(text)), color(color) {}
  Caption(const char* text, Color color = colors::black) : text(text), color(color) {}
  std::string text;
  Color color;
};

struct Cell {
  Image image;                    ///< any size; none (no pixels) leaves the place empty
  std::vector<Caption> captions;  ///< shortened where wider than the cell
};

struct Sheet {
  std::string title;
  std::vector<std::string> notes;         ///< smaller lines below the title
  std::vector<std::string> column_heads;  ///< none, or one for each column
  std::vector<std::vector<Cell>> rows;    ///< may differ in length
  int cell_size = 192;                    ///< pixels of an image's longer side on the sheet
  /// nearest shows single pixels as squares; bilinear suits photos.
  Scaling scaling = Scaling::bilinear;
};

/// Draws the sheet on white.
Image draw_sheet(const Sheet& sheet);

/// Draws the sheet into a PNG file. @throws Error  if it cannot be written
void write_sheet(const std::string& path, const Sheet& sheet);

/// Arranges `cells` in rows of `columns`.
std::vector<std::vector<Cell>> in_rows(std::vector<Cell> cells, int columns);

}  // namespace tweed
