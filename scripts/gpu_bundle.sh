# Makes the bundle of scripts/gpu_check, which sources this.
# shellcheck shell=bash

# The libraries of CUDA that a program needs of the machine it runs on.
cuda_libraries_of() {
  grep -aohE 'lib(cublas|cublasLt)\.so\.[0-9]+' "$@" | sort -u
}

# copy_libraries FOLDER PROGRAM...: the loader, and all that the programs need but for CUDA.
copy_libraries() {
  local folder=$1 library
  shift
  # Programs of today do without the last three, which are part of libc.so; the driver names them.
  {
    ldd "$@" | awk '$3 ~ "^/" { print $3 } $1 ~ "^/.*ld-linux" { print $1 }'
    for library in libdl.so.2 libpthread.so.0 librt.so.1; do
      g++ -print-file-name="$library"
    done
  } | awk -F / '!/\/libcu/ && !seen[$NF]++' | xargs cp -Lt "$folder"
}

# make_stand_ins FOLDER PROGRAM...: libraries with the names and functions of CUDA's that only
# return an error, so that a program starts where there are none.
make_stand_ins() {
  local folder=$1 library
  shift
  for library in $(cuda_libraries_of "$@"); do
    nm -D --undefined-only "$@" | sed -n "s/^ *U \(.*\)@$library$/\1/p" | sort -u |
      sed 's/.*/int &(void) { return 1; }/' |
      g++ -x c -shared -nostdlib -fPIC -Wl,-soname,"$library" \
        -Wl,--version-script=<(echo "$library { *; };") -o "$folder/$library" -
  done
}

# fill FOLDER BUILD: the source tree, the programs, what they need.
fill() {
  local folder=$1 build=$2 program copied
  git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$folder"
  logged "$build/install.log" cmake --install "$build" --component bundle --strip --prefix "$folder"
  copied=("$folder"/programs/*)
  mkdir -p "$folder"/bin "$folder"/lib/stand_in
  copy_libraries "$folder/lib" "${copied[@]}"
  make_stand_ins "$folder/lib/stand_in" "${copied[@]}"
  { printf "%s\n" libcuda.so.1 libnccl.so.2 && cuda_libraries_of "${copied[@]}"; } >"$folder/cuda_libraries"
  cp scripts/bundle_launch "$folder/bin/.launch"
  for program in "${copied[@]}"; do ln -s .launch "$folder/bin/${program##*/}"; done
  commit_here >"$folder/commit"
}

# check_kernels BUILD: nothing in local memory, and tensor cores where they should be; as far as
# there is a cuobjdump to tell.
check_kernels() {
  local table code
  for table in kernel_table mma_table; do
    code=0
    "scripts/$table" "$1" --out "$1/$table.md" || code=$?
    ((code != 1)) || fail 1 "The compiled kernels are not as they should be: $1/$table.md"
  done
}

# make_bundle FILE ARCHITECTURES
make_bundle() {
  local file=$1 build=build-bundle
  command -v xz >/dev/null || fail 2 "There is no xz here, which packs the bundle."
  scripts/setup
  configure "$build" -DCMAKE_BUILD_TYPE=Release -DTWEED_CUDA=ON -DTWEED_NATIVE=OFF \
    "-DCMAKE_CUDA_ARCHITECTURES=$2" -DCMAKE_CUDA_FLAGS=-Werror=all-warnings
  build "$build" bundle_programs
  check_kernels "$build"
  mkdir -p "$(dirname -- "$file")"
  folder=$(mktemp -d)  # for the whole script, since the trap needs it
  trap 'rm -rf -- "$folder"' EXIT
  mkdir "$folder/tweed-gpu"
  fill "$folder/tweed-gpu" "$build"
  say "Packing $(du -sm "$folder" | cut -f 1) MB."
  # Programs share most of their kernels: the dictionary spans several of them.
  tar -C "$folder" --sort=name --owner=0 --group=0 -cf - tweed-gpu |
    xz -T"$(job_count)" --block-size=1GiB --lzma2=preset=6,dict=256MiB >"$file.part"
  mv -- "$file.part" "$file"
  say "$file: $(du -m "$file" | cut -f 1) MB, of $(cat "$folder/tweed-gpu/commit"). On the machine with the GPU:"
  say "  tar -xJf $(basename -- "$file") && tweed-gpu/scripts/gpu_check"
}
