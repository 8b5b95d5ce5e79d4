// Sheets: titled grids of images with captions. Contact sheets, saliency maps and attacks use them.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"

namespace tweed {

/// The colour of a caption: good and bad are green and red.
enum class Ink { black, good, bad };

/// A line below an image.
struct Caption {
  Caption(std::string text, Ink ink = Ink::black) : text(std::move(text)), ink(ink) {}
  Caption(const char* text, Ink ink = Ink::black) : text(text), ink(ink) {}
  std::string text;
  Ink ink;
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
