# SPDX-License-Identifier: MIT
# The ways to make a target in this tree: belay_compile (flags), belay_test (one noun), belay_program.

set(BELAY_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wredundant-decls -Wvla -Wconversion
        -Wstrict-prototypes -Wmissing-prototypes)

# Gives `target` the tree's language level, warnings, sanitizers and definitions.
function(belay_compile target)
    target_compile_features(${target} PRIVATE c_std_11)
    target_compile_options(${target} PRIVATE ${BELAY_WARNINGS} -g -fno-omit-frame-pointer)
    set_target_properties(${target} PROPERTIES C_EXTENSIONS OFF C_VISIBILITY_PRESET hidden)
    # _GNU_SOURCE must come before the first system header, also where all files are compiled as one.
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${BELAY_DEFINES})
    target_include_directories(${target} PRIVATE
            "${belay_SOURCE_DIR}/include" "${belay_SOURCE_DIR}/src")
    if(BELAY_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(BELAY_SANITIZE)
        target_compile_options(${target} PRIVATE
                -fsanitize=${BELAY_SANITIZE} -fno-sanitize-recover=all)
        target_link_options(${target} PUBLIC -fsanitize=${BELAY_SANITIZE})
    endif()
    target_link_libraries(${target} PRIVATE Threads::Threads)
endfunction()

# Makes a program of `ARGN`, linked with the static library, that may include the core's own headers.
function(belay_program name)
    add_executable(${name} ${ARGN})
    belay_compile(${name})
    target_link_libraries(${name} PRIVATE belay_static)
endfunction()

# Makes NOUN_test from NOUN_test.c with cmocka, and registers it as the test NOUN with the label `unit`.
function(belay_test noun)
    belay_program(${noun}_test ${noun}_test.c)
    target_link_libraries(${noun}_test PRIVATE belay_cmocka)
    add_test(NAME ${noun} COMMAND ${noun}_test)
    set_tests_properties(${noun} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()
