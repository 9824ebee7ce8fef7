// libFuzzer's interface. No header of the toolchain declares it (https://llvm.org/docs/LibFuzzer.html).
#ifndef CERTREG_CFUZZER_SHIM_H
#define CERTREG_CFUZZER_SHIM_H
#include <stddef.h>
#include <stdint.h>

// Runs `callback` on one input after another, up to the limits in `argv`.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

// Changes `data` as libFuzzer does without a custom mutator, and returns the new size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);
#endif
