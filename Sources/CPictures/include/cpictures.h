// SPDX-License-Identifier: Apache-2.0
/// PNG and JPEG pictures from memory, as rows of red, green and blue bytes.
///
/// Both libraries report errors by jumping; the jumps begin and end in here. No function keeps
/// memory, writes behind what it is given, or reads a file.
#ifndef SWPU_CPICTURES_H
#define SWPU_CPICTURES_H

#include <stddef.h>
#include <stdint.h>

/// The bytes that the caller provides for a message, its closing 0 included.
#define SWPU_PICTURE_MESSAGE_BYTES 256

/// Whether the program was built with both libraries; 0 means that no picture can be read.
int swpu_pictures_are_readable(void);

/// Reads the size from the header of a picture.
///
/// Returns 1; or 0 with the reason in `message`.
int swpu_picture_size(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);

/// Decodes a picture of the size that `swpu_picture_size` told, `[row][column][3]`.
///
/// `pixel_bytes` must be three times width times height. Transparent parts show white. Returns 1; or
/// 0 with the reason in `message`, `pixels` then being of no use.
int swpu_picture_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_bytes, char *message);

#endif
