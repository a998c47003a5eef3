// SPDX-License-Identifier: Apache-2.0
// System headers come before any target attribute is pushed: their inline functions must not take
// on an instruction set that the CPU may lack.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../include/ckernels.h"
