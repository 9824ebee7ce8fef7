// Nothing is declared: the functions have the names of glibc's own and are found by the linker.
