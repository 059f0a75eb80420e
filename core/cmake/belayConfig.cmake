# SPDX-License-Identifier: MIT
# find_package(belay) gives belay::belay (shared) and belay::static.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/belayTargets.cmake")
