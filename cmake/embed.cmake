# Writes a file as an array in C, NAME and NAME_size: cmake -DINPUT=FILE -DNAME=NAME -DOUTPUT=FILE -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <stddef.h>\n"
  "extern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_size;\n"
  "const unsigned char ${NAME}[] = { ${bytes} };\nconst size_t ${NAME}_size = sizeof(${NAME});\n")
