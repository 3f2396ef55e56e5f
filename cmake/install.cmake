# Where things go (cmake --install), and the Debian package that is made of it (script/package).
include(GNUInstallDirs)

set(TURNSTILE_CONFIG ${CMAKE_INSTALL_FULL_SYSCONFDIR}/turnstile/turnstiled.conf)
configure_file(packaging/systemd/turnstiled.service.in turnstiled.service @ONLY)

install(TARGETS turnstiled RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS turnstile RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/man/turnstiled.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES docs/man/turnstile.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/turnstile-protocol.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
install(FILES ${CMAKE_BINARY_DIR}/turnstiled.service packaging/systemd/turnstiled.socket
              packaging/systemd/turnstiled-echo.socket DESTINATION lib/systemd/system)
install(FILES packaging/turnstiled.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES packaging/systemd/node.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  RENAME turnstiled-node.conf)
install(FILES packaging/grafana/turnstile.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  RENAME grafana.json)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
file(GLOB pages docs/*.md docs/*.svg docs/*.png)
install(FILES README.md CHANGELOG.md ${pages} DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The page that the lecture speaks of: the program that is installed makes it, of a race of its own.
if(NOT CMAKE_CROSSCOMPILING)
  set(race_page ${CMAKE_BINARY_DIR}/race.html)
  install(CODE "
    file(REMOVE \"${race_page}\")
    execute_process(COMMAND \"$<TARGET_FILE:turnstile>\" race --quiet --seed 7 --serialize all
      --think 20-60ms --html \"${race_page}\" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${race_page} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

foreach(program turnstile turnstiled)
  install(FILES packaging/completions/turnstile.bash
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
endforeach()
# Debian's zsh looks here for what comes in packages; any zsh looks there for what is local.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(zsh_completions ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
else()
  set(zsh_completions ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
install(FILES packaging/completions/_turnstile DESTINATION ${zsh_completions})

# A configuration that somebody wrote is not replaced.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}${TURNSTILE_CONFIG}\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/packaging/turnstiled.conf\"
         DESTINATION \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/turnstile\")
  endif()")

if(CRITERION_FOUND)
  enable_testing()
  add_test(NAME packaging WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
           COMMAND packaging/check ${CMAKE_BINARY_DIR})
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The turnstile authors <turnstile@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "chat server and ticket office on many processes")
set(CPACK_PACKAGE_DESCRIPTION
  "People talk in rooms and book tickets over a line protocol that works with
nc. Many worker processes share one store; no ticket is sold twice and no
answered booking is lost, whatever is killed when.")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/deb)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME turnstile.deb)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/packaging/debian/conffiles ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
