// SPDX-License-Identifier: Apache-2.0
#include "cpictures.h"

#ifdef SWPU_PICTURES

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

// A real picture has some ten scans. Each costs time in proportion to the picture and may be a few
// bytes long, so that without a limit a small file could keep a processor busy for hours.
enum { most_scans = 100 };

static int refuse(char *message, const char *reason) {
  snprintf(message, SWPU_PICTURE_MESSAGE_BYTES, "%s", reason);
  return 0;
}

static int is_png(const uint8_t *bytes, size_t count) {
  return count >= 8 && png_sig_cmp(bytes, 0, 8) == 0;
}

static int is_jpeg(const uint8_t *bytes, size_t count) {
  return count >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

// Reads the header of a PNG file, or with `pixels` all of it. libpng's simplified interface catches
// its own jumps and frees all memory where it fails.
static int read_png(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes, count)) {
    return refuse(message, image.message);
  }
  *width = image.width;
  *height = image.height;
  if (!pixels) {
    png_image_free(&image);
    return 1;
  }
  if ((size_t)image.width * image.height * 3 != pixel_bytes) {
    png_image_free(&image);
    return refuse(message, "the size has changed");
  }
  image.format = PNG_FORMAT_RGB;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  const png_color white = {255, 255, 255};
  if (!png_image_finish_read(&image, &white, pixels, 0, NULL)) {
    return refuse(message, image.message);
  }
  return 1;
}

struct jpeg_failure {
  struct jpeg_error_mgr manager;  // first, so that a pointer to it is one to the whole
  jmp_buf exit;
  char *message;
};

static void jpeg_fail(j_common_ptr jpeg) {
  struct jpeg_failure *failure = (struct jpeg_failure *)jpeg->err;
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  refuse(failure->message, text);
  longjmp(failure->exit, 1);
}

// A warning means data that were made up. Only bytes between two markers, which some cameras leave,
// lose nothing.
static void jpeg_warn(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) jpeg_fail(jpeg);
}

static void jpeg_count_scans(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number <= most_scans) return;
  struct jpeg_failure *failure = (struct jpeg_failure *)jpeg->err;
  refuse(failure->message, "more than 100 scans");
  longjmp(failure->exit, 1);
}

// Reads the header of a JPEG file, or with `pixels` all of it.
static int read_jpeg(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  // Zeros, so that it can be destroyed wherever the jump comes from.
  struct jpeg_decompress_struct jpeg;
  memset(&jpeg, 0, sizeof jpeg);
  struct jpeg_progress_mgr progress = {.progress_monitor = jpeg_count_scans};
  struct jpeg_failure failure = {.message = message};
  jpeg.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = jpeg_fail;
  failure.manager.emit_message = jpeg_warn;
  if (setjmp(failure.exit)) {
    jpeg_destroy_decompress(&jpeg);
    return 0;
  }
  jpeg_create_decompress(&jpeg);
  jpeg.progress = &progress;
  jpeg_mem_src(&jpeg, bytes, count);
  jpeg_read_header(&jpeg, TRUE);
  *width = jpeg.image_width;
  *height = jpeg.image_height;
  int good = 1;
  if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    good = refuse(message, "colours of print (CMYK); convert it to RGB");
  } else if (pixels && (size_t)jpeg.image_width * jpeg.image_height * 3 != pixel_bytes) {
    good = refuse(message, "the size has changed");
  } else if (pixels) {
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = pixels + (size_t)jpeg.output_scanline * jpeg.output_width * 3;
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
  }
  jpeg_destroy_decompress(&jpeg);
  return good;
}

static int read_picture(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  if (is_png(bytes, count)) {
    return read_png(bytes, count, width, height, pixels, pixel_bytes, message);
  }
  if (is_jpeg(bytes, count)) {
    return read_jpeg(bytes, count, width, height, pixels, pixel_bytes, message);
  }
  return refuse(message, count == 0 ? "an empty file" : "neither a PNG nor a JPEG file");
}

int swpu_picture_size(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  return read_picture(bytes, count, width, height, NULL, 0, message);
}

int swpu_picture_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_bytes, char *message) {
  uint32_t width, height;
  return read_picture(bytes, count, &width, &height, pixels, pixel_bytes, message);
}

#endif
