# Writes the pages of the server (web/site, with web/palette.css before style.css) as arrays in C: the
# templates (*.html), and all else as assets, whose names have the digest of all of them in them, also
# where one names another. A line {{NAME.part}} of a template is replaced by that file.
# cmake -DSOURCES=web/site -DOUTPUT=FILE -P site.cmake
find_program(GZIP gzip REQUIRED)

file(GLOB parts ${SOURCES}/*.part)

function(read_source path result)
  file(READ ${path} text)
  foreach(part ${parts})
    get_filename_component(name ${part} NAME)
    file(READ ${part} part_text)
    string(REPLACE "{{${name}}}\n" "${part_text}" text "${text}")
  endforeach()
  if(path MATCHES "/style\\.css$")
    file(READ ${SOURCES}/../palette.css palette)
    string(PREPEND text "${palette}")
  endif()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

file(GLOB paths ${SOURCES}/*)
list(REMOVE_ITEM paths ${parts})
list(SORT paths)
set(names "")
set(everything "")
foreach(path ${paths})
  read_source(${path} text)
  get_filename_component(name ${path} NAME)
  string(APPEND everything "${name}\n${text}")
  if(NOT name MATCHES "\\.html$")
    list(APPEND names ${name})
  endif()
endforeach()
string(SHA256 digest "${everything}")
string(SUBSTRING ${digest} 0 16 digest)

# Read in a list or a regular expression, a text would not stay as it is: it is only replaced in.
function(write_array name path)
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  file(APPEND ${OUTPUT} "static const unsigned char ${name}[] = { ${bytes} };\n")
endfunction()

function(name_with_digest name result)
  get_filename_component(stem ${name} NAME_WE)
  get_filename_component(ending ${name} EXT)
  set(${result} ${stem}-${digest}${ending} PARENT_SCOPE)
endfunction()

set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_html "text/html; charset=utf-8")

file(WRITE ${OUTPUT} "#include \"server/http/asset.h\"\n")
set(assets "")
set(templates "")
set(index 0)
foreach(path ${paths})
  get_filename_component(name ${path} NAME)
  get_filename_component(ending ${path} LAST_EXT)
  string(SUBSTRING ${ending} 1 -1 ending)
  read_source(${path} text)
  foreach(other ${names})
    name_with_digest(${other} with_digest)
    string(REPLACE "/${other}\"" "/${with_digest}\"" text "${text}")
  endforeach()
  file(WRITE ${OUTPUT}.part "${text}")
  write_array(bytes_${index} ${OUTPUT}.part)
  set(row "\"${type_${ending}}\", bytes_${index}, sizeof(bytes_${index})")
  if(ending STREQUAL html)
    string(APPEND templates "\t{ \"${name}\", ${row}, NULL, 0 },\n")
  else()
    execute_process(COMMAND ${GZIP} -9nc ${OUTPUT}.part OUTPUT_FILE ${OUTPUT}.part.gz
                    COMMAND_ERROR_IS_FATAL ANY)
    write_array(packed_${index} ${OUTPUT}.part.gz)
    name_with_digest(${name} with_digest)
    string(APPEND assets
      "\t{ \"${with_digest}\", ${row}, packed_${index}, sizeof(packed_${index}) },\n")
  endif()
  math(EXPR index "${index} + 1")
endforeach()
file(REMOVE ${OUTPUT}.part ${OUTPUT}.part.gz)
file(APPEND ${OUTPUT}
  "const struct asset assets[] = {\n${assets}};\n"
  "const size_t asset_count = sizeof(assets) / sizeof(assets[0]);\n"
  "const struct asset templates[] = {\n${templates}};\n"
  "const size_t template_count = sizeof(templates) / sizeof(templates[0]);\n")
