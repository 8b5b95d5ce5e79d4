#!/usr/bin/env bash
# Installs a build into a temporary folder, and builds and runs the README's program against it.
#
#   install_test.sh BUILD SOURCE
set -euo pipefail
build=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Both components, one after the other: a library without apps is an installation too.
cmake --install "$build" --component library --prefix "$folder/prefix" >"$folder/log"
[[ ! -e $folder/prefix/bin ]]
mkdir "$folder/program"
cp "$source/docs/examples/ten_lines.cpp" "$folder/program/program.cpp"
# The CMakeLists.txt that the README shows.
sed -n '/^```cmake$/,/^```$/p' "$source/README.md" | sed '1d;$d' >"$folder/program/CMakeLists.txt"
cmake -S "$folder/program" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" \
  -DCMAKE_BUILD_TYPE=Release >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
"$folder/build/program" | tee "$folder/out"
grep -q '^step 200: loss 0\.0' "$folder/out"

# The program with images, and one with a network of its own in train_miniplaces.
cp "$source/docs/examples/places.cpp" "$folder/program/program.cpp"
cp "$source/docs/examples/my_network.cpp" "$folder/program/"
# Names that are a program's own, and the header by its full name.
cat >"$folder/program/names.cpp" <<'END'
#include <tweed/tweed.h>
using namespace tweed;
struct Rect { int x; };
struct Color { int r; };
struct Point { int y; };
int main() { return Rect{1}.x + Color{2}.r + Point{3}.y - 6; }
END
cat >>"$folder/program/CMakeLists.txt" <<'END'
add_executable(names names.cpp)
target_link_libraries(names PRIVATE tweed::tweed)
add_executable(my_network my_network.cpp)
target_link_libraries(my_network PRIVATE tweed::apps)
END
cmake --build "$folder/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
"$folder/build/names"
(cd "$folder" && build/program >out && grep -q '^validation: top-1 ' out && [[ -s why.png ]])
"$folder/build/my_network" tiny --image-size 16 --limit 4 --classes 3 --batch-size 8 --epochs 1 \
  --model mynet --out "$folder/run" >>"$folder/log"
cmake --install "$build" --component apps --prefix "$folder/apps" >>"$folder/log"
for app in train_miniplaces classify compare evaluate fool inspect saliency_maps pgd_attack sweep vanishing_gradients; do
  "$folder/apps/bin/$app" --help >/dev/null
done
"$folder/apps/bin/train_miniplaces" --version | grep -q Tweed
[[ ! -e $folder/apps/include ]]
