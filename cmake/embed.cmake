# cmake -DOUT=FILE.cpp -DFILES="a.css;b.js" -P embed.cmake
#
# Writes C++ that holds the text of each file: namespace tweed::embedded { const char* const a_css = ...; }
set(text "// Written by cmake/embed.cmake.\nnamespace tweed::embedded {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} name)
  file(READ ${file} content)
  string(APPEND text "extern const char* const ${name};\nconst char* const ${name} = R\"EMBEDDED(${content})EMBEDDED\";\n")
endforeach()
file(WRITE ${OUT} "${text}}\n")
