# Puts the sources of each page (web) together, and writes them as two arrays in C: what stands
# before the data of a run, and what after. cmake -DSOURCES=web -DOUTPUT=FILE -P page.cmake

# Split, and never replaced into: a list or a regular expression would change what is in them.
function(cut text mark before after)
  string(FIND "${text}" "${mark}" at)
  string(LENGTH "${mark}" length)
  string(SUBSTRING "${text}" 0 ${at} first)
  math(EXPR at "${at} + ${length}")
  string(SUBSTRING "${text}" ${at} -1 second)
  set(${before} "${first}" PARENT_SCOPE)
  set(${after} "${second}" PARENT_SCOPE)
endfunction()
function(write_array name text)
  file(WRITE ${OUTPUT}.part "${text}")
  file(READ ${OUTPUT}.part bytes HEX)
  file(REMOVE ${OUTPUT}.part)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  file(APPEND ${OUTPUT} "extern const unsigned char ${name}[];\nextern const size_t ${name}_size;\n"
    "const unsigned char ${name}[] = { ${bytes} };\nconst size_t ${name}_size = sizeof(${name});\n")
endfunction()

# write_page(NAME SCRIPT...): web/NAME/page.html, with palette and the one style, and with the scripts in order.
function(write_page name)
  file(READ ${SOURCES}/${name}/page.html page)
  file(READ ${SOURCES}/palette.css palette)
  file(READ ${SOURCES}/race/style.css style)
  set(script "")
  foreach(path ${ARGN})
    file(READ ${SOURCES}/${path}.js part)
    string(APPEND script "${part}\n")
  endforeach()
  cut("${page}" "/* style.css */" before_style page)
  cut("${page}" "/* the run */" before_data page)
  cut("${page}" "/* the scripts */" before_script after_script)
  write_array(page_${name}_head "${before_style}${palette}${style}${before_data}")
  write_array(page_${name}_tail "${before_script}${script}${after_script}")
endfunction()

file(WRITE ${OUTPUT} "#include <stddef.h>\n")
write_page(race race/model race/interleavings race/schedule race/run race/player race/heat
  race/scheduler race/tasks race/main)
write_page(lab race/player lab/main)
